# The student on top of a detector with queries: the ICN uses the decoder's
# query embeddings instead of RoI features.
_base_ = './clhoi.py'

model = dict(
    # DETR's map of 800 x 1333 pixels has 1,050 positions: no pooling needed.
    vlt=dict(max_tokens=1100),
    icn=dict(roi_extractor=None, query_embed_channels=256),
)
