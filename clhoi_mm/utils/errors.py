"""Errors whose message is shown without a traceback."""


class InputError(ValueError):
    """Error for a user's invalid file or option.

    The message names it and the remedy, so that tools print it without a
    traceback.
    """
