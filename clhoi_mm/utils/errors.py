"""Errors whose message is all that a user needs."""


class InputError(ValueError):
    """A user's file or option does not fit.

    The message names it and the remedy, so that tools print it without a
    traceback.
    """
