"""Trunks: image in 0..255 -> features at an output stride. One file a family, found by name.

A trunk module has `build(output_stride, weights, **options) -> keras.Model`, whose node (i, j)
looks at input pixel (j stride, i stride), and `input_stride(output_stride)`: input sides must be
n input_stride + 1.
"""
