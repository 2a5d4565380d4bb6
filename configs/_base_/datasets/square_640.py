# Squares of 640 pixels, the input of RTMDet and YOLOX.
square = [
    dict(type='Resize', scale=(640, 640), keep_ratio=True),
    dict(type='Pad', size=(640, 640), pad_val=dict(img=(114, 114, 114))),
]
