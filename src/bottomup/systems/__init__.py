"""Systems: a paper's method. One file each, found by name.

A system module has `Options` (a frozen dataclass with `from_dict`), `heads(skeleton, options)`,
`refined(outputs, skeleton, stride)`, `targets(keypoints, instance_map, skeleton, stride, options)`
and `losses(outputs, targets, options)`. `Options` also says `loss_weights` and
`refine_in_training`.

A module may have `branches(features, options)`, `corrected(outputs, heads, options)`, `UPSAMPLING`,
`INTERMEDIATE_HEADS` and `DISKS_SCALE` (`targets` then takes `scale`).
"""
