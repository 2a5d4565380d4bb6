# YOLOX-Nano as published by its authors (mmdet has no config of it): a quarter
# of the width, depthwise convolutions; tested at 416 pixels.
_base_ = './yolox_s.py'

detector = dict(
    backbone=dict(widen_factor=0.25, use_depthwise=True),
    neck=dict(in_channels=[64, 128, 256], out_channels=64, use_depthwise=True),
    bbox_head=dict(in_channels=64, feat_channels=64, use_depthwise=True),
)
