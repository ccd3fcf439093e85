"""Bottom-up human pose estimation and person instance segmentation, as a small library."""
