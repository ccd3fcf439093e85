"""What the rules look up of datasets and their splits: where files lie, and what they are made of."""


def split_of(wildcards):
    return dataset_of(wildcards).splits[wildcards.split]


def is_made(dataset, split):
    """Whether the workflow draws this split itself."""
    return STUDY.datasets[dataset].splits[split].annotations is None and not is_imputed(dataset)


def is_imputed(dataset):
    """Whether this is another dataset with keypoints filled in by a run."""
    return STUDY.datasets[dataset].imputation is not None


def is_part(dataset, split):
    """Whether the split is cut from an annotation file by a seeded recipe."""
    return STUDY.datasets[dataset].splits[split].take is not None


def is_derived(dataset, split):
    """Whether the split's annotations are made from others by a rule."""
    return STUDY.datasets[dataset].is_converted or is_imputed(dataset) or is_part(dataset, split)


def server_names():
    splits = [split for dataset in STUDY.datasets.values() for split in dataset.splits.values()]
    return {split.server_name for split in splits if split.server_name}


def source_of_split(dataset, split):
    """Path of a split's annotation file as published."""
    folder = STUDY.datasets[dataset].local or f"{DATASETS}/{dataset}"
    return str(Path(folder) / STUDY.datasets[dataset].splits[split].annotations)


def published_files(dataset, split):
    """The files that hold a split as published: its annotations, or the archives with them."""
    if STUDY.datasets[dataset].local or not STUDY.datasets[dataset].splits[split].files:
        return [source_of_split(dataset, split)]
    return unpacked(dataset, split)


def unpacked(dataset, split):
    """The marks that the archives of a split were fetched and unpacked."""
    archives = STUDY.datasets[dataset].splits[split].files
    return [f"{DATASETS}/{dataset}/{archive}.unpacked" for archive in archives]


def annotations_of(dataset, split):
    """Path of a split's COCO annotation file, wherever the dataset comes from."""
    if is_made(dataset, split) or is_derived(dataset, split):
        return f"{DATASETS}/{dataset}/{split}/annotations.json"
    return source_of_split(dataset, split)


def images_of(dataset, split):
    """Folder of a split's images, wherever the dataset comes from."""
    if is_imputed(dataset):
        return images_of(STUDY.datasets[dataset].imputation.source.name, split)
    if is_made(dataset, split):
        return f"{DATASETS}/{dataset}/{split}/images"
    folder = STUDY.datasets[dataset].local or f"{DATASETS}/{dataset}"
    return str(Path(folder) / STUDY.datasets[dataset].splits[split].images)


def data_of(dataset, split):
    """The files whose change means that the split has changed."""
    local = STUDY.datasets[dataset].local
    if local or is_made(dataset, split) or is_derived(dataset, split):
        return [annotations_of(dataset, split)]
    return unpacked(dataset, split)


def checked(dataset, split):
    """The mark that a split was read and found sound."""
    return f"{DATASETS}/{dataset}/{split}.checked.json"


def records_of(dataset, split):
    count = STUDY.datasets[dataset].splits[split].record_shards
    pattern = f"results/records/{dataset}/{split}-{{shard}}-of-{{shards}}.tfrecord"
    return numbered(pattern, count)


def imputation_of(wildcards):
    return dataset_of(wildcards).imputation


def source_of_imputed(wildcards):
    return imputation_of(wildcards).source.name


def run_that_imputes(wildcards, file):
    """A file of the run that fills in the keypoints of a dataset."""
    imputation = imputation_of(wildcards)
    run = RUN.format(experiment=imputation.experiment.name, seed=imputation.seed)
    return f"{run}/{file}"


def archive_of(wildcards):
    return dataset_of(wildcards).files[wildcards.archive]


def settings_of_split(wildcards):
    """The generator's settings; how many images another split has does not concern this one."""
    settings = dataset_of(wildcards).generator
    images = {split: n * (split == wildcards.split) for split, n in settings["images"].items()}
    return settings | {"images": images}


def subset_of(wildcards):
    return STUDY.subsets[wildcards.subset]


def source_of_subset(wildcards):
    return subset_of(wildcards).dataset.name, subset_of(wildcards).split
