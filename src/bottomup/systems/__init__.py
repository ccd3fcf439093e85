"""Methods, one module each, found by name (`lookup.load("systems", name)`).

Each module offers `Options` (a dataclass with `from_dict`), `heads(skeleton, options)`,
`refined(outputs, skeleton, stride)`, `targets(keypoints, instance_map, skeleton, stride, options)`
and `losses(outputs, targets, options)`.
"""
