# Like icn_hico_geometry.py, on V-COCO's boxes.
_base_ = '../hico_geometry/icn_hico_geometry.py'

data_root = 'data/v_coco_geometry/'
teacher_cache = data_root + 'teacher/typical'

model = dict(teacher_head=dict(vocabulary='v_coco'))

train_pipeline = _base_.train_pipeline
train_pipeline[1]['steps'][2].update(cache=teacher_cache, vocabulary='v_coco')
train_dataloader = dict(
    dataset=dict(
        type='VCOCODataset', data_root=data_root, pipeline=train_pipeline
    )
)
val_dataloader = dict(dataset=dict(type='VCOCODataset', data_root=data_root))
test_dataloader = dict(dataset=dict(type='VCOCODataset', data_root=data_root))

val_evaluator = dict(type='PairRankingMetric', vocabulary='v_coco')
test_evaluator = val_evaluator
