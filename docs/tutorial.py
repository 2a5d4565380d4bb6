"""Train a detector on images without annotations, in six steps.

    python docs/tutorial.py

A teacher's image-level pseudo-labels replace annotations. Images are from the
mini world and the teacher is simulated, so that all steps run on one CPU core
in minutes; comments state the changes for your own images and a real VLLM.
Each step prints its command.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]


def run(*command: object) -> None:
    """Print a command and run it in the repository."""
    command = [str(part) for part in command]
    print('\n$ python ' + shlex.join(command), flush=True)
    subprocess.run([sys.executable, *command], cwd=REPO, check=True)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=REPO / 'work_dirs' / 'tutorial',
        help='folder for all files (default: %(default)s)',
    )
    parser.add_argument(
        '--num-train', type=int, default=320, help='default: %(default)s'
    )
    parser.add_argument(
        '--num-test', type=int, default=64, help='default: %(default)s'
    )
    parser.add_argument(
        '--epochs', type=int, default=8, help='default: %(default)s'
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    out = args.out.resolve()
    data, teacher, work_dir = out / 'data', out / 'teacher', out / 'run'
    out.mkdir(parents=True, exist_ok=True)

    # %% 1. Images: any folder, searched recursively. The mini world's
    # generator also writes annotations. Training does not use them, only the
    # simulated teacher (in place of images) and the metrics of step 6.
    run(
        'projects/mini_world/make_mini.py',
        '--out',
        data,
        '--num-train',
        args.num_train,
        '--num-val',
        1,
        '--num-test',
        args.num_test,
        '--teacher',
        '--workers',
        1,
    )
    images = data / 'train'

    # %% 2. Pseudo-labels: request a caption and a list of interactions for
    # each image ("describe", "list"), parse the answers by rules ("parse"),
    # encode texts ("embed") and write the training cache ("pack"). About half
    # of this teacher's labels are correct. For a real VLLM:
    #   --backend openai --model Qwen/Qwen2.5-VL-7B-Instruct
    #   --options base_url=http://localhost:8000/v1
    # and a pretrained text encoder instead of the hashed one.
    annotations = data / 'annotations' / 'train.json'
    run(
        'tools/teacher/annotate.py',
        'run',
        '--vocab',
        'mini',
        '--images',
        images,
        '--image-root',
        data,
        '--objects',
        annotations,
        '--out',
        teacher,
        '--backend',
        'simulated',
        '--options',
        f'ann_file={annotations}',
        '--text-encoder',
        'hashed',
    )

    # Show the answers for one image.
    key = min(
        path.relative_to(data).as_posix() for path in images.rglob('*.png')
    )
    run('tools/teacher/inspect_cache.py', 'show', teacher, '--keys', key)

    # %% 3. Config: the mini world's for images without annotations, with
    # other paths and fewer epochs. For photos use
    # configs/clhoi_r50_unlabeled.py, with a detector trained on COCO. Two
    # epochs of context distillation precede interaction distillation.
    config = out / 'tutorial.py'
    base = REPO / 'configs/mini/clhoi_r18_mini_unlabeled.py'
    config.write_text(f"""_base_ = {str(base)!r}

train_pipeline = [
    dict(type='LoadImage', orientation='stored'),
    dict(type='LoadTeacherKnowledge', cache={str(teacher)!r},
         vocabulary='mini'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackHOIInputs')
]
train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        images={str(images)!r},
        data_prefix=dict(img={str(data)!r}),
        pipeline=train_pipeline))
test_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(data_root={str(data) + os.sep!r}))
# No validation without annotations.
val_dataloader = val_evaluator = val_cfg = None
model = dict(
    detector=dict(
        checkpoint={str(REPO / 'checkpoints/mini_detector.pth')!r}),
    # Warm-up is one epoch of interaction distillation.
    label_noise=dict(warmup={-(-args.num_train // 16)}))
train_cfg = dict(max_epochs={args.epochs})
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=True, begin=0, end=1,
         convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min_ratio=0.01, by_epoch=True,
         begin=1, convert_to_iter_based=True)
]
default_hooks = dict(logger=dict(interval=10))
""")

    # %% 4. Training. The same command resumes after an interruption.
    run('tools/train.py', config, '--work-dir', work_dir, '--resume')
    run(
        'tools/analysis_tools/analyze_logs.py',
        'plot_curve',
        work_dir,
        '--keys',
        'loss_context',
        'loss_mil',
        '--out',
        out / 'losses.png',
    )

    # %% 5. Inference on test images, as pictures and JSON. The checkpoint
    # contains its config.
    weights = work_dir / f'epoch_{args.epochs}.pth'
    run(
        'tools/infer.py',
        data / 'test',
        '--weights',
        weights,
        '--out-dir',
        out / 'found',
        '--pred-score-thr',
        0.15,
        '--batch-size',
        16,
    )
    found = json.loads(
        min((out / 'found' / 'preds').rglob('*.json')).read_text()
    )
    print(f'\nThe best three of {found["img_path"]}:')
    for text, score in list(
        zip(found['hois']['texts'], found['hois']['scores'])
    )[:3]:
        print(f'  {score:.2f}  {text}')

    # %% 6. Evaluation, which needs annotations of test images.
    run(
        'tools/test.py',
        config,
        weights,
        '--work-dir',
        out / 'test',
        '--eval',
        'mAP',
        '--out',
        out / 'found.npz',
    )
    run(
        'tools/analysis_tools/hoi_errors.py',
        '--ann',
        data / 'annotations' / 'test.json',
        '--pred',
        out / 'found.npz',
        '--out',
        out / 'errors',
    )
    print(
        f'\nPictures are in {out / "found" / "vis"}, the losses in '
        f'{out / "losses.png"}, the errors in {out / "errors"}.'
    )


if __name__ == '__main__':
    main()
