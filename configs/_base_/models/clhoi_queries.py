# The student over a detector with queries: instead of pooling RoIs the ICN
# reads what the decoder says of each instance, as wide as its queries.
_base_ = './clhoi.py'

model = dict(
    # DETR's map of 800 x 1333 pixels has 1,050 positions: none is pooled.
    vlt=dict(max_tokens=1100),
    icn=dict(roi_extractor=None, query_embed_channels=256),
)
