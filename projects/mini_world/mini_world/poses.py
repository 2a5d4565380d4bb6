"""Random postures of people."""

from .dice import Dice
from .people import Posture

Arm = tuple[float, float]


def stance(dice: Dice, lively: bool | None = None) -> Posture:
    """Return legs and lean of a standing or walking person."""
    if lively is None:
        lively = dice.chance(0.4)
    if lively:
        swing = dice.uniform(16, 34) * dice.sign()
        back = dice.uniform(12, 30)
        return Posture(
            lean=dice.around(4, 6),
            thighs=(-swing, swing),
            knees=(back, 4.0) if swing > 0 else (4.0, back),
        )
    return Posture(
        lean=dice.around(0, 5),
        thighs=(dice.around(-5, 6), dice.around(6, 6)),
        knees=(dice.uniform(0, 8), dice.uniform(0, 8)),
    )


def crouch(dice: Dice) -> Posture:
    """Return a crouching posture."""
    return Posture(
        lean=dice.around(26, 8),
        thighs=(dice.around(20, 6), dice.around(52, 8)),
        knees=(dice.around(58, 8), dice.around(84, 8)),
    )


def idle_arm(dice: Dice) -> Arm:
    """Return an arm without interaction."""
    form = dice.pick(('hang', 'hip', 'bent', 'wave'), (6, 2, 2, 1.2))
    if form == 'hang':
        upper = dice.around(0, 22)
        return upper, upper + dice.uniform(5, 30)
    if form == 'hip':
        return dice.around(-34, 8), dice.around(38, 10)
    if form == 'bent':
        return dice.around(12, 16), dice.around(85, 28)
    return dice.around(128, 20), dice.around(172, 16)


def idle(dice: Dice) -> Posture:
    """Return a posture without interaction."""
    posture = stance(dice)
    posture.arms = {'far': idle_arm(dice), 'near': idle_arm(dice)}
    return posture


def sporty(dice: Dice) -> Posture:
    """Return the common posture of kicking and heading."""
    swing = dice.uniform(24, 44)
    upper = dice.uniform(20, 60)
    return Posture(
        lean=dice.around(-2, 10),
        thighs=(-dice.uniform(4, 18), swing),
        knees=(dice.uniform(6, 26), dice.uniform(4, 22)),
        arms={
            'far': (upper, upper + dice.uniform(15, 50)),
            'near': (-upper, -upper + dice.uniform(15, 50)),
        },
    )


def throwing(dice: Dice) -> Posture:
    """Return a posture with one arm forward, the other back."""
    front, back = dice.uniform(84, 118), dice.uniform(-80, -50)
    arms = {
        'near': (front, front + dice.uniform(0, 14)),
        'far': (back, back + dice.uniform(0, 20)),
    }
    if dice.chance(0.5):
        arms = {'near': arms['far'], 'far': arms['near']}
    return Posture(
        lean=dice.around(13, 6),
        thighs=(-dice.uniform(22, 34), dice.uniform(20, 34)),
        knees=(dice.uniform(10, 20), dice.uniform(2, 14)),
        arms=arms,
    )


def catching(dice: Dice) -> Posture:
    """Return a posture with both arms forward and knees bent."""
    out = dice.uniform(70, 100)
    return Posture(
        lean=dice.around(-3, 5),
        thighs=(dice.around(8, 6), dice.around(34, 8)),
        knees=(dice.uniform(34, 48), dice.uniform(40, 56)),
        arms={
            'near': (out, out + dice.uniform(0, 20)),
            'far': (out + 16, out + dice.uniform(20, 38)),
        },
    )
