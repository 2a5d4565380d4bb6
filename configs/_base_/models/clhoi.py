# The student on top of the detector `model.detector`, whose feature maps
# determine its input sizes.
# The three supervisions differ in one key: teacher_head.supervision.
model = dict(
    type='CLHOI',
    pairing=dict(
        type='HumanObjectPairing',
        score_thr=0.2,
        max_humans=15,
        max_objects=15,
        max_pairs=400,
    ),
    vlt=dict(
        type='VLT', text_dim=512, embed_dims=256, num_tokens=16, num_layers=2
    ),
    icn=dict(
        type='ICN',
        text_dim=512,
        embed_dims=256,
        num_layers=1,
        # Interactiveness common to all verbs. On HICO-DET's boxes, verb-wise
        # interactiveness is better on validation with pseudo-labels and worse
        # with labels (docs/results.md). The mini world uses it.
        roi_extractor=dict(
            type='SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=2),
        ),
    ),
    teacher_head=dict(
        type='TeacherHead',
        supervision='vllm',
        vocabulary='hico_det',
        text_dim=512,
        text_encoder='openai/clip-vit-base-patch32',
    ),
    # Pays on real photos and on the mini world (docs/results.md, Choices on
    # real photos and Mini world).
    context_loss=dict(type='ContextDistillLoss', text_dim=512),
    # extra_positive_prior is 0.3 by default: best on HICO-DET's boxes and on
    # the mini world (docs/results.md).
    interaction_loss=dict(
        type='InteractionDistillLoss',
        contrast=dict(type='PairContrastLoss'),
        contrast_weight=0.005,
    ),
    # Learned by gradient descent: best on HICO-DET's boxes (docs/results.md).
    # Warm-up is an epoch of HICO-DET in batches of 16; prior_weight counts the
    # prior once per epoch: one over its 38,118 images and about 15 compatible
    # classes of each.
    label_noise=dict(
        type='LearnableLabelNoise', warmup=2400, prior_weight=1.8e-6
    ),
    # Used where the teacher's cache has pointed pairs (docs/teacher.md).
    pointing=dict(type='PointingPrior'),
)
