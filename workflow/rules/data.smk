"""Annotated images: fetched and unpacked, drawn, or used where they lie; then read and checked.

Needs nothing. Gives, for each split, an annotation file, a folder of images, and the mark that both
were read from end to end. A `local` dataset is used in place and never written to; annotations in a
format of their own are written anew as a COCO file. An imputed dataset has the images of another,
and its annotations with keypoints filled in by a finished run.
"""

FETCHED = [name for name, dataset in STUDY.datasets.items() if dataset.files and not dataset.local]
MADE = [
    name for name in STUDY.datasets if any(is_made(name, s) for s in STUDY.datasets[name].splits)
]
IMPUTED = [name for name in STUDY.datasets if is_imputed(name)]
PARTED = [
    name for name in STUDY.datasets if any(is_part(name, s) for s in STUDY.datasets[name].splits)
]
CONVERTED = [name for name in STUDY.datasets if STUDY.datasets[name].is_converted]


# No digest of code here: the checksum says what comes out, and fetching again costs hours.
rule fetch_archive:
    output:
        unpacked=f"{DATASETS}/{{dataset}}/{{archive}}.unpacked",
    log:
        "results/logs/datasets/{dataset}/{archive}.unpacked.log",
    benchmark:
        "results/benchmarks/datasets/{dataset}/{archive}.unpacked.tsv"
    wildcard_constraints:
        dataset=one_of(FETCHED),
        archive=one_of({archive for name in FETCHED for archive in STUDY.datasets[name].files}),
    retries: 2
    localrule: True
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(1000),
        runtime=1440,
    params:
        checksum=lambda wildcards: archive_of(wildcards).get("sha256")
        or archive_of(wildcards).get("md5"),
        entry=untracked(archive_of),
        mirror=untracked(lambda wildcards: dataset_of(wildcards).mirror),
        archives=untracked(lambda wildcards: f"resources/archives/{wildcards.dataset}"),
    message:
        "Fetching and unpacking {wildcards.archive} of {wildcards.dataset}"
    script:
        "../scripts/fetch_archive.py"


rule make_split:
    output:
        annotations=f"{DATASETS}/{{dataset}}/{{split}}/annotations.json",
        images=directory(f"{DATASETS}/{{dataset}}/{{split}}/images"),
    log:
        "results/logs/datasets/{dataset}/{split}/annotations.log",
    benchmark:
        "results/benchmarks/datasets/{dataset}/{split}/annotations.tsv"
    wildcard_constraints:
        dataset=one_of(MADE),
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(2000),
        runtime=60,
    params:
        kind=lambda wildcards: dataset_of(wildcards).kind,
        settings=lambda wildcards: settings_of_split(wildcards),
        skeleton=skeleton_of,
        code=code(
            "make_split.py", lambda wildcards: (f"bottomup.datasets.{dataset_of(wildcards).kind}",)
        ),
    message:
        "Drawing the images of {wildcards.dataset} {wildcards.split}"
    script:
        "../scripts/make_split.py"


rule convert_annotations:
    input:
        published=lambda wildcards: published_files(wildcards.dataset, wildcards.split),
    output:
        annotations=f"{DATASETS}/{{dataset}}/{{split}}/annotations.json",
    log:
        "results/logs/datasets/{dataset}/{split}/annotations.log",
    benchmark:
        "results/benchmarks/datasets/{dataset}/{split}/annotations.tsv"
    wildcard_constraints:
        dataset=one_of(CONVERTED),
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(4000),
        runtime=60,
    params:
        kind=lambda wildcards: dataset_of(wildcards).kind,
        source=untracked(lambda wildcards: source_of_split(wildcards.dataset, wildcards.split)),
        skeleton=skeleton_of,
        settings=lambda wildcards: dataset_of(wildcards).conversion,
        images=untracked(lambda wildcards: images_of(wildcards.dataset, wildcards.split)),
        code=code(
            "convert_annotations.py",
            lambda wildcards: (f"bottomup.datasets.{dataset_of(wildcards).kind}",),
        ),
    message:
        "Writing the annotations of {wildcards.dataset} {wildcards.split} as a COCO file"
    script:
        "../scripts/convert_annotations.py"


rule impute_keypoints:
    input:
        weights=lambda wildcards: run_that_imputes(wildcards, "weights.keras"),
        run=lambda wildcards: run_that_imputes(wildcards, "run.json"),
        data=lambda wildcards: data_of(source_of_imputed(wildcards), wildcards.split),
        checked=lambda wildcards: checked(source_of_imputed(wildcards), wildcards.split),
    output:
        annotations=f"{DATASETS}/{{dataset}}/{{split}}/annotations.json",
    log:
        "results/logs/datasets/{dataset}/{split}/annotations.log",
    benchmark:
        "results/benchmarks/datasets/{dataset}/{split}/annotations.tsv"
    wildcard_constraints:
        dataset=one_of(IMPUTED),
    conda:
        GPU_ENV
    threads: 8
    resources:
        mem_mb=growing(16000),
        runtime=1440,
        gpu=lambda wildcards: imputation_of(wildcards).experiment.resources["gpu"],
    params:
        skeleton=skeleton_of,
        settings=lambda wildcards: imputation_of(wildcards).settings,
        annotations=untracked(
            lambda wildcards: annotations_of(source_of_imputed(wildcards), wildcards.split)
        ),
        images=untracked(lambda wildcards: images_of(wildcards.dataset, wildcards.split)),
        compute=untracked(lambda wildcards: compute_of(imputation_of(wildcards).experiment)),
        code=code(
            "impute_keypoints.py",
            lambda wildcards: plug_ins_of(imputation_of(wildcards).experiment),
        ),
    message:
        "Filling in keypoints of {wildcards.dataset} {wildcards.split}"
    script:
        "../scripts/impute_keypoints.py"


rule take_part:
    input:
        published=lambda wildcards: published_files(wildcards.dataset, wildcards.split),
    output:
        annotations=f"{DATASETS}/{{dataset}}/{{split}}/annotations.json",
    log:
        "results/logs/datasets/{dataset}/{split}/annotations.log",
    benchmark:
        "results/benchmarks/datasets/{dataset}/{split}/annotations.tsv"
    wildcard_constraints:
        dataset=one_of(PARTED),
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(4000),
        runtime=30,
    params:
        take=lambda wildcards: split_of(wildcards).take,
        source=untracked(lambda wildcards: source_of_split(wildcards.dataset, wildcards.split)),
        code=code("take_part.py"),
    message:
        "Taking the part {wildcards.split} of {wildcards.dataset}"
    script:
        "../scripts/take_part.py"


# No digest of code: a new check asks new data, and what is finished stays. (It cannot be `ancient`
# for those that need it: Snakemake then forgets what else they would run for.)
rule check_split:
    input:
        data=lambda wildcards: data_of(wildcards.dataset, wildcards.split),
    output:
        checked=f"{DATASETS}/{{dataset}}/{{split}}.checked.json",
    log:
        "results/logs/datasets/{dataset}/{split}.checked.log",
    benchmark:
        "results/benchmarks/datasets/{dataset}/{split}.checked.tsv"
    priority: 2
    conda:
        CPU_ENV
    threads: 4
    resources:
        mem_mb=growing(4000),
        runtime=120,
    params:
        skeleton=skeleton_of,
        annotations=untracked(lambda wildcards: annotations_of(wildcards.dataset, wildcards.split)),
        images=untracked(lambda wildcards: images_of(wildcards.dataset, wildcards.split)),
    message:
        "Reading every annotation and image of {wildcards.dataset} {wildcards.split}"
    script:
        "../scripts/check_split.py"


rule draw_samples:
    input:
        data=lambda wildcards: data_of(wildcards.dataset, wildcards.split),
        checked=lambda wildcards: checked(wildcards.dataset, wildcards.split),
    output:
        annotations="results/samples/{dataset}-{split}.json",
    log:
        "results/logs/samples/{dataset}-{split}.log",
    benchmark:
        "results/benchmarks/samples/{dataset}-{split}.tsv"
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(4000),
        runtime=20,
    params:
        skeleton=skeleton_of,
        sample_images=STUDY.publish["sample_images"],
        annotations=untracked(lambda wildcards: annotations_of(wildcards.dataset, wildcards.split)),
        code=code("draw_samples.py"),
    message:
        "Choosing the images of {wildcards.dataset} {wildcards.split} that pictures show"
    script:
        "../scripts/draw_samples.py"
