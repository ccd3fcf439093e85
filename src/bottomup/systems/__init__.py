"""Systems: a paper's method. One file each, found by name.

A system module has `Options` (a frozen dataclass with `from_dict`), `heads(skeleton, options)`,
`refined(outputs, skeleton, stride)`, `targets(keypoints, instance_map, skeleton, stride, options)`
and `losses(outputs, targets, options)`.
"""
