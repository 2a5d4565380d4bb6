"""Convert Hugging Face's CLIP vision tower to an mmpretrain checkpoint.

Takes openai/clip-vit-base-patch16 and similar models as downloaded, and
prints the config for model.visual_encoder; see docs/models.md.
"""

from pprint import pformat

from clhoi_mm.models.converters import convert_clip_vision, run_command

COLOURS = dict(nargs=3, type=float, metavar=('R', 'G', 'B'))


def main() -> None:
    out, meta = run_command(
        __doc__,
        convert_clip_vision,
        'checkpoints/clip_vit_b16.pth',
        source='folder with config.json and model.safetensors or '
        'pytorch_model.bin',
        mean=dict(
            COLOURS,
            help="values of the detector's data_preprocessor, which "
            "normalizes the tower's images (default: CLIP's own)",
        ),
        std=dict(COLOURS, help='likewise'),
    )
    config = dict(
        meta['visual_encoder'],
        init_cfg=dict(type='Pretrained', checkpoint=out),
    )
    print(f'visual_encoder={pformat(config, sort_dicts=False)}')


if __name__ == '__main__':
    main()
