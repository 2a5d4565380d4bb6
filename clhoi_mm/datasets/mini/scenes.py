"""Where things happen: six kinds of scene, told by what stands in them.

Structure (lane lines, shelves, windows, trees, stands, waves) is the same in
all splits; palettes and textures of the test split occur in no other split.
"""
from collections.abc import Callable

import cv2
import numpy as np

from .canvas import Canvas, Colour, shade
from .dice import Dice

SCENES = ('street', 'park', 'track', 'shop', 'home', 'beach')

# scene -> split family -> palettes of (far, near, ground, accent)
_PALETTES: dict[str, dict[str, list[tuple[Colour, ...]]]] = {
    'street': {
        'seen': [
            ((158, 200, 235), (188, 120, 98), (128, 130, 136), (245, 240, 225)),
            ((205, 222, 235), (206, 178, 138), (112, 114, 122), (250, 232, 150)),
            ((176, 190, 205), (150, 120, 120), (140, 136, 132), (240, 240, 240)),
            ((240, 214, 190), (170, 150, 170), (120, 118, 128), (250, 245, 210)),
        ],
        'unseen': [
            ((250, 190, 150), (110, 130, 160), (95, 92, 110), (255, 220, 120)),
            ((190, 225, 215), (130, 160, 130), (160, 156, 146), (255, 255, 255)),
            ((120, 130, 175), (160, 110, 140), (84, 90, 104), (230, 230, 200)),
        ],
    },
    'park': {
        'seen': [
            ((170, 212, 240), (72, 138, 70), (140, 190, 98), (222, 202, 158)),
            ((205, 228, 240), (98, 150, 62), (164, 196, 92), (206, 186, 150)),
            ((186, 206, 222), (54, 118, 78), (118, 172, 104), (230, 214, 180)),
            ((240, 224, 198), (110, 140, 60), (176, 188, 96), (214, 190, 150)),
        ],
        'unseen': [
            ((226, 232, 240), (150, 176, 172), (222, 230, 234), (188, 196, 204)),
            ((250, 214, 170), (206, 120, 52), (206, 170, 88), (176, 148, 116)),
            ((160, 180, 220), (60, 110, 120), (98, 150, 132), (190, 190, 170)),
        ],
    },
    'track': {
        'seen': [
            ((168, 208, 238), (120, 140, 190), (190, 96, 72), (250, 250, 245)),
            ((200, 220, 238), (150, 150, 158), (202, 116, 84), (252, 248, 240)),
            ((214, 222, 226), (176, 120, 110), (170, 92, 80), (246, 246, 246)),
            ((150, 190, 226), (110, 130, 140), (206, 132, 92), (255, 252, 235)),
        ],
        'unseen': [
            ((246, 208, 170), (100, 120, 120), (92, 128, 178), (250, 250, 250)),
            ((196, 214, 206), (150, 120, 160), (120, 122, 128), (255, 250, 225)),
            ((140, 160, 200), (180, 150, 110), (96, 150, 140), (245, 245, 235)),
        ],
    },
    'shop': {
        'seen': [
            ((240, 230, 208), (168, 124, 84), (206, 196, 182), (212, 60, 60)),
            ((226, 234, 238), (140, 110, 90), (188, 192, 196), (226, 92, 48)),
            ((250, 238, 222), (190, 150, 104), (216, 200, 172), (200, 48, 88)),
            ((232, 226, 214), (120, 104, 92), (196, 184, 176), (236, 120, 40)),
        ],
        'unseen': [
            ((208, 228, 214), (96, 116, 120), (172, 186, 176), (44, 120, 196)),
            ((236, 212, 220), (150, 116, 140), (204, 186, 196), (96, 64, 160)),
            ((206, 216, 236), (100, 100, 116), (160, 168, 186), (30, 140, 110)),
        ],
    },
    'home': {
        'seen': [
            ((244, 222, 180), (176, 214, 240), (176, 128, 84), (196, 84, 74)),
            ((222, 206, 188), (188, 220, 240), (150, 108, 74), (86, 116, 170)),
            ((236, 214, 206), (200, 226, 238), (188, 146, 100), (130, 92, 120)),
            ((214, 222, 196), (180, 212, 236), (164, 122, 86), (200, 140, 70)),
        ],
        'unseen': [
            ((176, 204, 214), (60, 70, 110), (112, 98, 92), (224, 176, 92)),
            ((206, 190, 222), (246, 206, 160), (146, 132, 130), (84, 140, 120)),
            ((166, 194, 172), (230, 236, 240), (206, 184, 152), (170, 80, 96)),
        ],
    },
    'beach': {
        'seen': [
            ((170, 214, 242), (62, 146, 196), (236, 214, 160), (250, 250, 250)),
            ((198, 226, 244), (80, 166, 190), (240, 222, 180), (255, 255, 255)),
            ((222, 232, 238), (70, 128, 170), (226, 200, 150), (245, 245, 240)),
            ((154, 200, 236), (44, 130, 180), (230, 208, 172), (252, 252, 252)),
        ],
        'unseen': [
            ((250, 196, 150), (150, 110, 150), (220, 176, 150), (255, 230, 210)),
            ((196, 206, 214), (88, 120, 128), (186, 180, 172), (236, 240, 242)),
            ((250, 226, 190), (60, 160, 150), (246, 236, 214), (255, 250, 240)),
        ],
    },
}

_TEXTURES = {
    'seen': ('grain', 'blotch', 'streaks'),
    'unseen': ('dots', 'weave', 'ripples'),
}

_GOODS = ((214, 92, 82), (240, 190, 72), (98, 160, 110), (88, 128, 190),
          (170, 110, 170), (236, 140, 90), (120, 190, 200), (240, 232, 214))


class Scene:
    """A background of one kind.

    Args:
        name (str): One of ``SCENES``.
        unseen (bool): Take the palettes and textures of the test split.
        dice (Dice): Source of chance.
    """

    def __init__(self, name: str, unseen: bool, dice: Dice) -> None:
        if name not in SCENES:
            raise ValueError(
                f'unknown scene {name!r}: choose one of {", ".join(SCENES)}')
        family = 'unseen' if unseen else 'seen'
        self.name = name
        self.dice = dice
        self.horizon = dice.uniform(62, 74)
        palette = dice.pick(_PALETTES[name][family])
        self.far, self.near, self.ground, self.accent = (
            dice.tint(colour, 10) for colour in palette)
        self.texture = dice.pick(_TEXTURES[family])
        self.strength = dice.uniform(5, 10)

    def draw(self, canvas: Canvas) -> None:
        """Paint the whole background."""
        width, height, top = canvas.width, canvas.height, self.horizon
        canvas.begin(0)
        self._gradient(canvas, 0, top, self.far)
        self._gradient(canvas, top, height, self.ground)
        painters: dict[str, Callable] = {
            'street': self._street, 'park': self._park,
            'track': self._track, 'shop': self._shop,
            'home': self._home, 'beach': self._beach,
        }
        painters[self.name](canvas, float(width), float(height), top)
        self._roughen(canvas)
        canvas.end()

    def _gradient(self, canvas: Canvas, y1: float, y2: float,
                  colour: Colour) -> None:
        rows = slice(int(y1 * canvas.scale), int(y2 * canvas.scale))
        count = rows.stop - rows.start
        ramp = np.linspace(1.04, 0.93, count)[:, None] * np.asarray(colour)
        ramp = np.clip(ramp, 0, 255).astype(np.uint8)[:, None]
        canvas.colours[rows] = cv2.resize(
            ramp, (canvas.colours.shape[1], count),
            interpolation=cv2.INTER_NEAREST)

    def _roughen(self, canvas: Canvas) -> None:
        """Lay the texture over the picture so far."""
        h, w = canvas.height, canvas.width
        ys, xs = np.mgrid[0:h, 0:w].astype(np.float32)
        phase, period = self.dice.uniform(0, 6.28), self.dice.uniform(5, 9)
        k = 2 * np.pi / period
        if self.texture == 'grain':
            field = self.dice.grid(h, w) * 2 - 1
        elif self.texture == 'blotch':
            coarse = (self.dice.grid(10, 14) * 2 - 1).astype(np.float32)
            field = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_CUBIC)
        elif self.texture == 'streaks':
            coarse = (self.dice.grid(h // 2, 12) * 2 - 1).astype(np.float32)
            field = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_LINEAR)
        elif self.texture == 'dots':
            field = np.sin(k * xs + phase) * np.sin(k * ys) * 1.4
        elif self.texture == 'weave':
            field = np.sign(np.sin(k * (xs + ys) + phase)) * 0.4 + np.sign(
                np.sin(k * (xs - ys))) * 0.4
        else:
            field = np.sin(k * ys + 2 * np.sin(xs / 14 + phase))
        field = (field * self.strength).astype(np.float32)
        size = (w * canvas.scale, h * canvas.scale)
        field = cv2.resize(field, size, interpolation=cv2.INTER_LINEAR)
        field = np.round(field).astype(np.int16)
        canvas.colours[:] = cv2.add(
            canvas.colours, cv2.merge([field] * 3), dtype=cv2.CV_8U)

    def _street(self, canvas: Canvas, w: float, h: float, top: float) -> None:
        dice = self.dice
        x = -dice.uniform(0, 20)
        while x < w:
            width = dice.uniform(34, 58)
            roof = dice.uniform(4, 24)
            wall = dice.tint(self.near, 34)
            canvas.rectangle(x, roof, x + width, top + 6, wall, 0.6)
            columns = int(width // 14)
            glass = shade(self.far, 0.6) if dice.chance(
                0.6) else self.accent
            for row in np.arange(roof + 6, top - 8, 14):
                for column in range(columns):
                    left = x + 5 + column * 14
                    canvas.rectangle(left, row, left + 7, row + 8, glass, 0.4)
            x += width
        canvas.rectangle(0, top + 4, w, top + 14, shade(self.ground, 1.7))
        canvas.rectangle(0, top + 14, w, top + 16, shade(self.ground, 0.7))
        lane = dice.uniform(108, 122)
        offset = dice.uniform(-20, 0)
        for left in np.arange(offset, w, 34):
            canvas.polygon([(left, lane), (left + 18, lane),
                            (left + 16, lane + 4), (left - 2, lane + 4)],
                           self.accent, 0)
        post = dice.uniform(10, w - 10)
        iron = (70, 74, 80)
        canvas.limb([(post, top + 12), (post, 16), (post + 9, 13)], 1.8, iron)
        canvas.ellipse((post + 11, 15), (4, 2.4), (250, 240, 190))

    def _park(self, canvas: Canvas, w: float, h: float, top: float) -> None:
        dice = self.dice
        canvas.ellipse((dice.uniform(0, w), top + 6),
                       (dice.uniform(60, 110), dice.uniform(14, 26)),
                       shade(self.ground, 0.86), edge=0)
        x = dice.uniform(-5, 12)
        while x < w:
            size, base = dice.uniform(13, 21), top + dice.uniform(2, 9)
            crown = dice.tint(self.near, 22)
            canvas.rectangle(x - 2, base - 24, x + 2, base, (112, 82, 58), .4)
            if dice.chance(0.6):
                for dx, dy in ((-.5, 0), (.5, 0), (0, -.6)):
                    canvas.ellipse((x + dx * size, base - 28 + dy * size),
                                   (size * .7, size * .62), crown)
            else:
                for lift in (0, 11, 22):
                    canvas.polygon([(x - size * .8 + lift * .2, base - 14 - lift),
                                    (x + size * .8 - lift * .2, base - 14 - lift),
                                    (x, base - 34 - lift)], crown)
            x += dice.uniform(22, 42)
        canvas.rectangle(0, top + 8, w, top + 10, shade(self.ground, 0.8))
        start, end = dice.uniform(20, w - 20), dice.uniform(-20, w + 20)
        bend = (start + end) / 2 + dice.uniform(-40, 40)
        canvas.polygon([(start - 3, top + 10), (start + 3, top + 10),
                        (bend + 20, 118), (end + 40, h), (end - 30, h),
                        (bend - 12, 118)], self.accent, 0)
        for _ in range(26):
            x, y = dice.uniform(0, w), dice.uniform(top + 14, h)
            blade = shade(self.ground, dice.pick((0.75, 1.35)))
            canvas.limb([(x - 2, y - 3), (x, y), (x + 2, y - 3)], .7, blade, 0)

    def _track(self, canvas: Canvas, w: float, h: float, top: float) -> None:
        dice = self.dice
        for step, y in enumerate(np.arange(20, top - 4, 9)):
            colour = shade(self.near, 1.0 + 0.14 * step)
            canvas.rectangle(0, y, w, y + 9, colour, 0.4)
            for x in np.arange(dice.uniform(0, 6), w, 6.5):
                if dice.chance(0.75):
                    canvas.ellipse((x, y + 3), (1.9, 2.2), dice.pick(_GOODS),
                                   edge=0)
        for x in np.arange(dice.uniform(4, 30), w, 44):
            canvas.limb([(x, 20), (x, 4)], 1.0, (90, 90, 96), 0)
            canvas.polygon([(x, 4), (x + 11, 7), (x, 11)], dice.pick(_GOODS))
        canvas.rectangle(0, top - 3, w, top + 4, (238, 238, 236), 0.5)
        for x in np.arange(dice.uniform(0, 12), w, 24):
            canvas.rectangle(x, top - 3, x + 12, top + 4, (200, 66, 60))
        slope = dice.uniform(-0.05, 0.05)
        y, gap = top + 10.0, 9.0
        while y < h + 12:
            left, right = y - slope * w / 2, y + slope * w / 2
            canvas.limb([(-4, left), (w + 4, right)], 1.3, self.accent, 0)
            y += gap
            gap *= 1.3
        if dice.chance(0.6):
            x = dice.uniform(10, w - 30)
            for row in range(18):
                y = top + 6 + row * 5.4
                for column in range(2):
                    tone = (30, 30, 32) if (row + column) % 2 else (
                        244, 244, 244)
                    left = x + column * 6 - row * 1.2
                    canvas.rectangle(left, y, left + 6, y + 5.4, tone)

    def _shop(self, canvas: Canvas, w: float, h: float, top: float) -> None:
        dice = self.dice
        left = dice.uniform(-10, 10)
        for board in np.arange(24, top + 2, 16.5):
            canvas.rectangle(0, board + 14, w, board + 17, self.near, 0.5)
            x = left
            while x < w:
                width, tall = dice.uniform(5, 11), dice.uniform(7, 12)
                if dice.chance(0.85):
                    ware = dice.tint(dice.pick(_GOODS), 20)
                    canvas.rectangle(x, board + 14 - tall, x + width,
                                     board + 14, ware, 0.5)
                x += width + 1.5
        for x in np.arange(left, w + 20, 56):
            canvas.rectangle(x - 2, 18, x + 2, top + 5, shade(self.near, .8),
                             0.5)
        canvas.rectangle(0, 0, w, 11, self.accent, 0.5)
        for x in np.arange(0, w, 14):
            canvas.polygon([(x, 11), (x + 14, 11), (x + 12, 17), (x + 7, 19),
                            (x + 2, 17)],
                           (250, 248, 240) if int(x / 14) % 2 else self.accent)
        line = shade(self.ground, 0.82)
        y, gap = top + 8.0, 7.0
        while y < h:
            canvas.limb([(0, y), (w, y)], 0.7, line, 0)
            y += gap
            gap *= 1.35
        for k in range(-7, 8):
            canvas.limb([(w / 2 + k * 14, top + 6), (w / 2 + k * 36, h)], .7,
                        line, 0)
        x = dice.pick((dice.uniform(4, 20), dice.uniform(w - 56, w - 42)))
        canvas.rectangle(x, top - 3, x + 40, top + 22, self.near, 0.7)
        canvas.rectangle(x - 2, top - 6, x + 42, top, shade(self.near, 1.6),
                         0.6)
        canvas.rectangle(x + 10, top - 17, x + 25, top - 6, (70, 76, 84), .6)
        canvas.rectangle(x + 12, top - 15, x + 23, top - 10, (150, 220, 180))

    def _home(self, canvas: Canvas, w: float, h: float, top: float) -> None:
        dice = self.dice
        stripe = shade(self.far, 0.94)
        for x in np.arange(dice.uniform(0, 12), w, 14):
            canvas.rectangle(x, 0, x + 6, top, stripe)
        x = dice.uniform(14, 70)
        wide = dice.uniform(44, 58)
        canvas.rectangle(x, 8, x + wide, top - 14, (250, 248, 242), 0.7)
        canvas.rectangle(x + 3, 11, x + wide - 3, top - 17, self.near)
        middle = x + wide / 2
        canvas.rectangle(middle - 1, 11, middle + 1, top - 17, (250, 248, 242))
        canvas.rectangle(x + 3, 30, x + wide - 3, 32, (250, 248, 242))
        for a, b in ((x - 6, x + 8), (x + wide - 8, x + wide + 6)):
            canvas.rectangle(a, 5, b, top - 9, self.accent, 0.6)
        canvas.limb([(x - 9, 5), (x + wide + 9, 5)], 1.6, (110, 84, 62))
        x = x + wide + dice.uniform(16, 34)
        canvas.rectangle(x, 14, x + 24, 36, (120, 88, 58), 0.6)
        canvas.rectangle(x + 3, 17, x + 21, 33, dice.pick(_GOODS))
        canvas.polygon([(x + 3, 33), (x + 11, 22), (x + 16, 33)],
                       (96, 130, 100), 0)
        x += dice.uniform(38, 52)
        canvas.limb([(x, top + 6), (x, 30)], 1.5, (90, 76, 66))
        canvas.polygon([(x - 9, 33), (x + 9, 33), (x + 5, 19), (x - 5, 19)],
                       (250, 226, 160))
        canvas.rectangle(0, top - 4, w, top + 1, (248, 244, 236), 0.5)
        line = shade(self.ground, 0.8)
        y, gap = top + 6.0, 7.0
        while y < h:
            canvas.limb([(0, y), (w, y)], 0.7, line, 0)
            for x in np.arange(dice.uniform(0, 60), w, 72):
                canvas.limb([(x, y), (x - 4, y + gap)], 0.7, line, 0)
            y += gap
            gap *= 1.25
        rug = (dice.uniform(60, w - 60), dice.uniform(118, 132))
        canvas.ellipse(rug, (62, 17), shade(self.accent, 1.25))
        canvas.ellipse(rug, (50, 12), shade(self.accent, 1.7), edge=0)

    def _beach(self, canvas: Canvas, w: float, h: float, top: float) -> None:
        dice = self.dice
        sea = top - dice.uniform(20, 28)
        canvas.ellipse((dice.uniform(20, w - 20), dice.uniform(10, 20)),
                       (8, 8), (255, 236, 150), edge=0)
        canvas.rectangle(0, sea, w, top + 10, self.near)
        for y in np.arange(sea + 4, top + 2, 6):
            for x in np.arange(dice.uniform(-10, 6), w, 22):
                canvas.limb([(x, y), (x + 4, y - 1.6), (x + 8, y)], .9,
                            shade(self.near, 1.5), 0)
        for _ in range(dice.integer(1, 2)):
            x = dice.uniform(20, w - 20)
            canvas.polygon([(x - 10, sea + 1), (x + 10, sea + 1),
                            (x + 6, sea + 5), (x - 6, sea + 5)],
                           (200, 90, 80))
            canvas.polygon([(x, sea), (x, sea - 17), (x + 10, sea - 2)],
                           self.accent)
        foam = [(0.0, top + 6)]
        foam += [(x, top + 8 + 2.5 * np.sin(x / 11 + sea))
                 for x in np.arange(0, w + 8, 6)]
        canvas.polygon(foam + [(w, top + 13), (0, top + 13)], self.accent, 0)
        canvas.rectangle(0, top + 13, w, top + 17, shade(self.ground, 0.88))
        x = dice.pick((dice.uniform(6, 24), dice.uniform(w - 24, w - 6)))
        canvas.limb([(x, top + 22), (x + 4, 44), (x + 2, 22)], 4,
                    (150, 112, 74))
        for dx, dy in ((-20, 4), (-15, -9), (0, -15), (16, -9), (20, 5)):
            canvas.limb([(x + 2, 22), (x + dx * .6, 19 + dy * .8),
                         (x + dx, 24 + dy)], 3.2, (84, 150, 84))
        for _ in range(14):
            spot = dice.uniform(0, w), dice.uniform(top + 20, h)
            canvas.ellipse(spot, (1.6, 1.0), shade(self.ground, 0.78), edge=0)
