"""Web page for detecting interactions in uploaded images.

Serves this machine only unless --host is given.
"""

import argparse
import os
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Optional

# Read when gradio is imported: no telemetry, no downloads.
os.environ.update(GRADIO_ANALYTICS_ENABLED='False', HF_HUB_OFFLINE='1')

# Number of uploads and pictures kept, the newest, and their maximum age in
# seconds.
MAX_FILES = 64
MAX_AGE = 600
TITLE = (
    '<h1>Human-object interactions</h1>'
    '<p>Finds the people in a photo and what they do with which object.</p>'
)
HINT = 'Upload a photo or choose an example.'
# Content policy: one of Gradio's pages would load a script from elsewhere.
POLICY = (
    b'content-security-policy',
    b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:",
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--weights', required=True, help='checkpoint of tools/train.py'
    )
    parser.add_argument(
        '--model',
        help='path or name of a config (default: the one in the checkpoint)',
    )
    parser.add_argument(
        '--device', help='cuda:0 or cpu (default: a GPU if there is one)'
    )
    parser.add_argument(
        '--examples',
        nargs='*',
        default=[],
        metavar='FILE',
        help='images to choose from',
    )
    parser.add_argument(
        '--teacher',
        metavar='FOLDER',
        help='a teacher job or cache: show its answers for the examples',
    )
    parser.add_argument(
        '--host',
        default='127.0.0.1',
        help='address to serve; 0.0.0.0 for everyone who can reach this '
        'machine (default: %(default)s, this machine only)',
    )
    parser.add_argument('--port', type=int, default=7860)
    parser.add_argument(
        '--max-mb', type=int, default=10, help='maximum file size, in MiB'
    )
    return parser.parse_args()


class Guard:
    """Middleware that limits stored files and blocks external content.

    Args:
        app (Any): The application.
        folder (str): Folder of uploads and pictures.
    """

    def __init__(self, app: Any, folder: str) -> None:
        self.app = app
        self.folder = Path(folder)

    def _tidy_up(self) -> None:
        ages = {}
        for path in self.folder.rglob('*'):
            # Another request may have deleted it.
            with suppress(FileNotFoundError):
                if path.is_file():
                    ages[path] = time.time() - path.stat().st_mtime
        for i, path in enumerate(sorted(ages, key=ages.get)):
            if i >= MAX_FILES or ages[path] > MAX_AGE:
                path.unlink(missing_ok=True)

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        if scope['type'] == 'http' and scope['method'] == 'POST':
            self._tidy_up()

        async def send_policy(message: dict) -> None:
            if message['type'] == 'http.response.start':
                message['headers'] = [*message['headers'], POLICY]
            await send(message)

        await self.app(scope, receive, send_policy)


class PageActions:
    """Actions of the page that do not depend on Gradio.

    Args:
        session (DemoSession): Images and predictions.
        folder (str): Gradio's upload folder.
    """

    def __init__(self, session: Any, folder: str) -> None:
        self.session = session
        self.folder = Path(folder).resolve()

    def show(
        self, number: Optional[int], threshold: float, phrases: str
    ) -> str:
        """Return the result as HTML."""
        from clhoi_mm.apis.demo_page import render_message, render_result
        from clhoi_mm.apis.demo_session import UserInputError

        if number is None:
            return render_message(HINT)
        start = time.perf_counter()
        try:
            view = self.session.predict(number, threshold, phrases)
        except UserInputError as error:
            return render_message(str(error), 'error')
        html = render_result(view, threshold)
        height, width = view.photo.shape[:2]
        seconds = time.perf_counter() - start
        print(f'{width} x {height} pixels: {seconds:.2f} s', flush=True)
        return html

    def add(
        self, path: str, threshold: float, phrases: str, answer: str = ''
    ) -> tuple:
        """Return the number, the result and the teacher's answer."""
        from clhoi_mm.apis.demo_page import render_message
        from clhoi_mm.apis.demo_session import UserInputError

        try:
            number = self.session.add_image(path)
        except UserInputError as error:
            return None, render_message(str(error), 'error'), ''
        return number, self.show(number, threshold, phrases), answer

    def upload(self, path: str, threshold: float, phrases: str) -> tuple:
        """Add an uploaded image; see :meth:`add`."""
        from clhoi_mm.apis.demo_page import render_message

        # Gradio rejects forged paths. Its own paths depend on the content, so
        # that users with the same photo share a file, which is kept.
        if not Path(path).resolve().is_relative_to(self.folder):
            return None, render_message('This is not an upload.', 'error'), ''
        return self.add(path, threshold, phrases)


def build(session: Any, facts: dict, folder: str) -> Any:
    """Build the page.

    Args:
        session (DemoSession): Images and predictions.
        facts (dict[str, str]): Description of the model.
        folder (str): Gradio's upload folder.

    Returns:
        gradio.Blocks: The page.
    """
    import gradio as gr

    from clhoi_mm.apis.demo_page import (
        SELECT_EXAMPLE,
        render_examples,
        render_message,
        render_model,
    )

    actions = PageActions(session, folder)

    def choose(threshold: float, phrases: str, event: gr.SelectData) -> tuple:
        return actions.add(
            session.examples[event.index],
            threshold,
            phrases,
            session.teacher_text(event.index),
        )

    with gr.Blocks(
        title='Human-object interactions',
        analytics_enabled=False,
        delete_cache=(600, 3600),
    ) as blocks:
        number = gr.State(None)
        with gr.Column(elem_id='page'):
            gr.HTML(TITLE, elem_id='title')
            with gr.Column(elem_id='source'):
                button = gr.UploadButton(
                    'Upload a photo',
                    file_types=['image'],
                    variant='primary',
                    elem_id='upload',
                )
                examples = gr.HTML(
                    render_examples(session.pictures),
                    js_on_load=SELECT_EXAMPLE,
                    elem_id='examples',
                )
            result = gr.HTML(render_message(HINT), elem_id='result')
            with gr.Column(elem_id='settings'):
                threshold = gr.Slider(
                    0,
                    1,
                    session.inferencer.default_score_thr,
                    step=0.01,
                    buttons=[],
                    label='Score threshold',
                    elem_id='threshold',
                )
                phrases = gr.Textbox(
                    lines=2,
                    label='Custom interactions',
                    info=f'One per line, at most {session.max_phrases}; '
                    "without any, the model's own are detected.",
                    placeholder='ride horse\na man feeding a dog',
                    elem_id='phrases',
                )
                detect = gr.Button('Detect', elem_id='detect')
                answer = gr.Textbox(
                    label="Teacher's answer",
                    info='For an example of the training images',
                    interactive=False,
                    visible=session.has_answers,
                    elem_id='teacher',
                )
            gr.HTML(render_model(facts), elem_id='model')
        inputs, added = [threshold, phrases], [number, result, answer]
        button.upload(actions.upload, [button, *inputs], added)
        examples.select(choose, inputs, added)
        for event in (threshold.release, detect.click, phrases.submit):
            event(
                actions.show,
                [number, *inputs],
                result,
                # Repeat for the last click during processing.
                trigger_mode='always_last',
            )
    return blocks


def main() -> None:
    args = parse_args()
    try:
        import gradio as gr
        from starlette.middleware import Middleware
    except ImportError:
        sys.exit(
            "web_demo.py: Gradio is missing; 'make web' installs it, or "
            "run pip install 'clhoi_mm[web]'"
        )
    from clhoi_mm.apis import HOIInferencer
    from clhoi_mm.apis.demo_page import describe_model
    from clhoi_mm.apis.demo_session import DemoSession

    missing = [path for path in args.examples if not Path(path).is_file()]
    if missing:
        sys.exit(f'web_demo.py: {missing[0]}: no such image')
    try:
        inferencer = HOIInferencer(
            args.model, args.weights, args.device, show_progress=False
        )
        session = DemoSession(
            inferencer,
            args.examples,
            args.teacher,
            max_bytes=args.max_mb << 20,
        )
    except (OSError, ValueError, ImportError) as error:
        sys.exit(f'web_demo.py: {error}')
    facts = describe_model(
        inferencer.cfg, inferencer.classifier.vocabulary, args.weights
    )
    for reason in session.unreadable:
        print(f'web_demo.py: left out of the examples: {reason}')
    with tempfile.TemporaryDirectory(prefix='clhoi-web-') as folder:
        os.environ['GRADIO_TEMP_DIR'] = folder
        build(session, facts, folder).queue(
            max_size=16, default_concurrency_limit=1
        ).launch(
            server_name=args.host,
            server_port=args.port,
            share=False,
            max_file_size=args.max_mb << 20,
            footer_links=[],
            theme=gr.themes.Default(
                font=['system-ui', 'sans-serif'], font_mono=['monospace']
            ),
            css_paths=Path(__file__).with_suffix('.css'),
            ssr_mode=False,
            app_kwargs=dict(middleware=[Middleware(Guard, folder=folder)]),
        )


if __name__ == '__main__':
    main()
