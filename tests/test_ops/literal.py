"""Literal float64 definitions of the operators."""

import math

import numpy as np


def iou(a, b, offset=0):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + offset)
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + offset)
    inter = width * height
    areas = [
        (box[2] - box[0] + offset) * (box[3] - box[1] + offset)
        for box in (a, b)
    ]
    return inter / (sum(areas) - inter)


def nms(boxes, scores, threshold, offset):
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if all(iou(boxes[i], boxes[j], offset) <= threshold for j in kept):
            kept.append(i)
    return kept


def nms_match(boxes, scores, threshold):
    left = sorted(range(len(boxes)), key=lambda i: -scores[i])
    groups = []
    while left:
        best, *rest = left
        group = [j for j in rest if iou(boxes[best], boxes[j]) >= threshold]
        groups.append([best, *group])
        left = [j for j in rest if j not in group]
    return groups


def soft_nms(boxes, scores, threshold, sigma, min_score, method, offset):
    scores, left, kept = list(scores), list(range(len(boxes))), []
    while left:
        best = max(left, key=lambda i: scores[i])
        kept.append((best, scores[best]))
        left.remove(best)
        for i in list(left):
            overlap = iou(boxes[best], boxes[i], offset)
            if method == 'naive' and overlap >= threshold:
                scores[i] = 0
            if method == 'linear' and overlap >= threshold:
                scores[i] *= 1 - overlap
            if method == 'gaussian':
                scores[i] *= math.exp(-(overlap**2) / sigma)
            if scores[i] < min_score:
                left.remove(i)
    return kept


def bilinear(channel, y, x):
    height, width = channel.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = max(y, 0), max(x, 0)
    y0, x0 = min(int(y), height - 1), min(int(x), width - 1)
    y, x = min(y, height - 1), min(x, width - 1)
    y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
    dy, dx = y - y0, x - x0
    return (
        (1 - dy) * (1 - dx) * channel[y0, x0]
        + (1 - dy) * dx * channel[y0, x1]
        + dy * (1 - dx) * channel[y1, x0]
        + dy * dx * channel[y1, x1]
    )


def roi_align(feats, rois, size, scale, ratio, mode, aligned):
    out = np.zeros((len(rois), feats.shape[1], *size))
    for r, (image, *box) in enumerate(rois):
        x1, y1, x2, y2 = (v * scale - 0.5 * aligned for v in box)
        lengths = [y2 - y1, x2 - x1]
        if not aligned:
            lengths = [max(length, 1.0) for length in lengths]
        bins = [length / n for length, n in zip(lengths, size)]
        ny, nx = (ratio or math.ceil(b) for b in bins)
        for c, i, j in np.ndindex(out.shape[1:]):
            values = [
                bilinear(
                    feats[int(image), c],
                    y1 + (i + (k + 0.5) / ny) * bins[0],
                    x1 + (j + (m + 0.5) / nx) * bins[1],
                )
                for k in range(ny)
                for m in range(nx)
            ]
            if mode == 'avg':
                out[r, c, i, j] = sum(values) / max(len(values), 1)
            else:
                out[r, c, i, j] = max(values, default=-10000)
    return out


def roi_pool(feats, rois, size, scale):
    out = np.zeros((len(rois), feats.shape[1], *size))
    height, width = feats.shape[2:]
    for r, (image, x1, y1, x2, y2) in enumerate(rois):
        x1, y1, x2, y2 = (v * scale for v in (x1, y1, x2 + 1, y2 + 1))
        bin_h, bin_w = (y2 - y1) / size[0], (x2 - x1) / size[1]
        if bin_h <= 0 or bin_w <= 0:
            continue
        for c, i, j in np.ndindex(out.shape[1:]):
            top = min(max(math.floor(y1 + i * bin_h), 0), height)
            bottom = min(max(math.ceil(y1 + (i + 1) * bin_h), 0), height)
            left = min(max(math.floor(x1 + j * bin_w), 0), width)
            right = min(max(math.ceil(x1 + (j + 1) * bin_w), 0), width)
            cells = feats[int(image), c, top:bottom, left:right]
            out[r, c, i, j] = cells.max() if cells.size else 0
    return out


def sigmoid_focal_loss(logits, targets, weights, gamma, alpha):
    out = np.zeros(logits.shape)
    for n, c in np.ndindex(logits.shape):
        p = 1 / (1 + math.exp(-logits[n, c]))
        if targets[n] == c:
            loss = -alpha * (1 - p) ** gamma * math.log(p)
        else:
            loss = -(1 - alpha) * p**gamma * math.log(1 - p)
        known = weights is not None and targets[n] < len(weights)
        out[n, c] = loss * (weights[targets[n]] if known else 1)
    return out


def softmax_focal_loss(logits, targets, weights, gamma, alpha):
    out = np.zeros(len(logits))
    for n, target in enumerate(targets):
        if target < 0:
            continue
        p = math.exp(logits[n, target]) / np.exp(logits[n]).sum()
        weight = 1 if weights is None else weights[target]
        out[n] = -alpha * (1 - p) ** gamma * math.log(p) * weight
    return out


def sample_or_zero(channel, y, x):
    """Interpolate bilinearly; cells outside of the map are zero."""
    height, width = channel.shape
    total = 0.0
    for cell_y in (math.floor(y), math.floor(y) + 1):
        for cell_x in (math.floor(x), math.floor(x) + 1):
            if 0 <= cell_y < height and 0 <= cell_x < width:
                weight = (1 - abs(y - cell_y)) * (1 - abs(x - cell_x))
                total += weight * channel[cell_y, cell_x]
    return total


def deform_conv(
    feats, offset, mask, weight, bias, stride, pad, dilation, group, deform
):
    images, channels, height, width = feats.shape
    out_channels, per_group, kh, kw = weight.shape
    out_h = (height + 2 * pad[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    out_w = (width + 2 * pad[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    out = np.zeros((images, out_channels, out_h, out_w))
    offset = offset.reshape(images, deform, kh, kw, 2, out_h, out_w)
    for n, o, i, j in np.ndindex(out.shape):
        first = o // (out_channels // group) * per_group
        for c, k, m in np.ndindex(per_group, kh, kw):
            d = (first + c) // (channels // deform)
            dy, dx = offset[n, d, k, m, :, i, j]
            value = sample_or_zero(
                feats[n, first + c],
                i * stride[0] - pad[0] + k * dilation[0] + dy,
                j * stride[1] - pad[1] + m * dilation[1] + dx,
            )
            if mask is not None:
                value *= mask.reshape(images, deform, kh, kw, out_h, out_w)[
                    n, d, k, m, i, j
                ]
            out[n, o, i, j] += weight[o, c, k, m] * value
        if bias is not None:
            out[n, o, i, j] += bias[o]
    return out


def ms_deform_attn(value, shapes, locations, weights):
    images, _, heads, dims = value.shape
    queries, levels, points = weights.shape[1], *weights.shape[3:]
    out = np.zeros((images, queries, heads, dims))
    starts = np.cumsum([0, *(h * w for h, w in shapes)])
    for n, q, h, level, p in np.ndindex(
        images, queries, heads, levels, points
    ):
        height, width = shapes[level]
        x, y = locations[n, q, h, level, p] * [width, height] - 0.5
        for d in range(dims):
            channel = value[n, starts[level] : starts[level + 1], h, d]
            sampled = sample_or_zero(channel.reshape(height, width), y, x)
            out[n, q, h, d] += weights[n, q, h, level, p] * sampled
    return out.reshape(images, queries, heads * dims)
