"""Slow, obvious NumPy versions of the fields, pixel by pixel, for one image."""

import numpy as np

from bottomup.fields.grid import CROWD, OVERLAP, PERSON_BITS, UNANNOTATED


def targets(keypoints, instance_map, skeleton, stride, radius_px, sub_cells=1):
    """Same keys as `systems.personlab.targets`, without the batch axis."""
    side = instance_map.shape[0]
    nodes = range(0, side, stride)
    num, edges = skeleton.num_keypoints, skeleton.directed_edges
    size = len(nodes)
    shapes = {"heatmap": (num,), "short": (num, 2), "mid": (len(edges), 2), "long": (num, 2)}
    shapes |= {"heatmap_weight": (1,), "short_weight": (num,), "mid_weight": (len(edges),)}
    shapes |= {"long_weight": (num,), "segmentation": (sub_cells**2,)}
    shapes |= {"segmentation_weight": (sub_cells**2,), "distance": (), "distance_weight": ()}
    out = {name: np.zeros((size, size, *shape)) for name, shape in shapes.items()}
    for i, y in enumerate(nodes):
        for j, x in enumerate(nodes):
            here = instance_map[y, x]
            out["heatmap_weight"][i, j] = not here & (CROWD | UNANNOTATED)
            for k in range(num):
                owner = nearest_owner(keypoints, k, (x, y), side, radius_px)
                if owner is None:
                    continue
                out["heatmap"][i, j, k] = out["short_weight"][i, j, k] = 1
                out["short"][i, j, k] = keypoints[owner, k, :2] - (x, y)
                for e, (start, end) in enumerate(edges):
                    if start == k and counts(keypoints[owner, end], side):
                        out["mid_weight"][i, j, e] = 1
                        out["mid"][i, j, e] = keypoints[owner, end, :2] - (x, y)
            person = here & PERSON_BITS
            if person and not here & (CROWD | UNANNOTATED | OVERLAP):
                for k in range(num):
                    if counts(keypoints[person - 1, k], side):
                        out["long_weight"][i, j, k] = 1
                        out["long"][i, j, k] = keypoints[person - 1, k, :2] - (x, y)
            out["distance"][i, j] = outline_distance(instance_map, x, y)
            out["distance_weight"][i, j] = not here & (CROWD | OVERLAP)
            for cell in range(sub_cells**2):
                value = coverage(instance_map, x, y, cell, stride, sub_cells)
                out["segmentation"][i, j, cell], out["segmentation_weight"][i, j, cell] = value
    return out


def counts(keypoint, side):
    x, y, visibility = keypoint
    return visibility > 0 and 0 <= x <= side - 1 and 0 <= y <= side - 1


def nearest_owner(keypoints, k, node, side, radius_px):
    """Index of the person whose keypoint k is nearest to the node and within the radius."""
    found = [
        (np.hypot(*(keypoints[p, k, :2] - node)), p)
        for p in range(len(keypoints))
        if counts(keypoints[p, k], side)
    ]
    distance, owner = min(found, default=(np.inf, None))
    return owner if distance <= radius_px else None


def outline_distance(instance_map, x, y):
    """Px to the nearest pixel of another value, half a pixel less, up to 16; negative on nobody."""
    others = np.argwhere(instance_map != instance_map[y, x])
    nearest = np.hypot(*(others - (y, x)).T).min() if len(others) else np.inf
    distance = min(nearest - 0.5, 16)
    return distance if instance_map[y, x] else -distance


def coverage(instance_map, x, y, cell, stride, sub_cells):
    """Covered share of one sub-cell, by ten-fold finer samples, and its weight."""
    side, width = len(instance_map), stride / sub_cells
    centre_x = x + (cell % sub_cells + 0.5) * width - stride / 2
    centre_y = y + (cell // sub_cells + 0.5) * width - stride / 2
    steps = (np.arange(10 * stride) + 0.5) / (10 * stride) * width - width / 2
    columns = mirrored_pixels(centre_x + steps, side)
    rows = mirrored_pixels(centre_y + steps, side)
    share = (instance_map[np.ix_(rows, columns)] != 0).mean()
    inside = 0 <= centre_x <= side - 1 and 0 <= centre_y <= side - 1
    pixel = np.clip(np.floor([centre_y + 0.5, centre_x + 0.5]), 0, side - 1).astype(int)
    return share, inside and not instance_map[tuple(pixel)] & CROWD


def mirrored_pixels(positions, side):
    pixels = np.abs(np.floor(positions + 0.5).astype(int))
    return np.where(pixels > side - 1, 2 * (side - 1) - pixels, pixels)


def refine(offsets, field, channels, stride, steps):
    """Adds `steps` times the field's value where the offsets point to; [y, x, channel, 2]."""
    rows, columns = offsets.shape[:2]
    out = offsets.astype(float)
    for i, j, c in np.ndindex(out.shape[:3]):
        for _ in range(steps):
            at = (np.array([j, i]) * stride + out[i, j, c]) / stride
            out[i, j, c] += bilinear(
                field[:, :, channels[c]], *np.clip(at, 0, [columns - 1, rows - 1])
            )
    return out


def bilinear(field, column, row):
    rows, columns = field.shape[:2]
    total = np.zeros(field.shape[2:])
    for i in range(rows):
        for j in range(columns):
            weight = max(0, 1 - abs(i - row)) * max(0, 1 - abs(j - column))
            total += weight * field[i, j]
    return total


def pair_targets(keypoints, instance_map, skeleton, stride, radius_px):
    """Same keys as `systems.deepercut.targets`, without the batch axis."""
    side = instance_map.shape[0]
    count = (side - 1) // stride
    num = skeleton.num_keypoints
    pairs = [(a, b) for a in range(num) for b in range(num) if a != b]
    shapes = {"heatmap": (num,), "short": (num, 2), "pairwise": (len(pairs), 2)}
    shapes |= {"heatmap_weight": (1,), "short_weight": (num,), "pairwise_weight": (len(pairs),)}
    out = {name: np.zeros((count, count, *shape)) for name, shape in shapes.items()}
    for i, j in np.ndindex(count, count):
        centre = np.array([j * stride + stride / 2, i * stride + stride / 2])
        here = instance_map[int(centre[1]), int(centre[0])]
        out["heatmap_weight"][i, j] = not here & (CROWD | UNANNOTATED)
        for k in range(num):
            owner = nearest_owner(keypoints, k, centre, side, radius_px)
            if owner is None:
                continue
            out["heatmap"][i, j, k] = out["short_weight"][i, j, k] = 1
            out["short"][i, j, k] = keypoints[owner, k, :2] - centre
            for number, (start, end) in enumerate(pairs):
                if start == k and counts(keypoints[owner, end], side):
                    out["pairwise_weight"][i, j, number] = 1
                    out["pairwise"][i, j, number] = keypoints[owner, end, :2] - centre
    return out
