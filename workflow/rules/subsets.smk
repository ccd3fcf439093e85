"""Subsets: the images that are trained on.

Needs a checked split. Gives the subset's annotations, its image ids, and its strata before and
after. Every subset is compared with every split that its experiments are tested on: by the training
before its first step, and once more by a rule without which nothing is tested.
"""


rule draw_subset:
    input:
        data=lambda wildcards: data_of(*source_of_subset(wildcards)),
        checked=lambda wildcards: checked(*source_of_subset(wildcards)),
    output:
        annotations="results/subsets/{subset}/annotations.json",
        images="results/subsets/{subset}/images.txt",
        strata="results/subsets/{subset}/strata.csv",
    log:
        "results/logs/subsets/{subset}.log",
    benchmark:
        "results/benchmarks/subsets/{subset}.tsv"
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(8000),
        runtime=30,
    params:
        recipe=lambda wildcards: subset_of(wildcards).recipe,
        skeleton=lambda wildcards: subset_of(wildcards).dataset.skeleton.to_dict(),
        annotations=untracked(lambda wildcards: annotations_of(*source_of_subset(wildcards))),
        code=code("draw_subset.py"),
    message:
        "Drawing the subset {wildcards.subset}"
    script:
        "../scripts/draw_subset.py"


# No digest of code, as for other checks: a new check asks new data, and what is finished stays.
rule check_disjoint:
    input:
        subset="results/subsets/{subset}/annotations.json",
        data=lambda wildcards: data_of(wildcards.dataset, wildcards.split),
    output:
        checked="results/subsets/{subset}/disjoint/{dataset}-{split}.json",
    log:
        "results/logs/subsets/{subset}/disjoint/{dataset}-{split}.log",
    benchmark:
        "results/benchmarks/subsets/{subset}/disjoint/{dataset}-{split}.tsv"
    priority: 2
    conda:
        CPU_ENV
    resources:
        mem_mb=growing(8000),
        runtime=30,
    params:
        same_dataset=lambda wildcards: subset_of(wildcards).dataset.origin.name == wildcards.dataset,
        annotations=untracked(lambda wildcards: annotations_of(wildcards.dataset, wildcards.split)),
    message:
        "Making sure that {wildcards.subset} and {wildcards.dataset} {wildcards.split} share no image"
    script:
        "../scripts/check_disjoint.py"
