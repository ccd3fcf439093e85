"""The one exception that means "the input is at fault, not the program"."""


class InputError(ValueError):
    """Bad input, told in one sentence: the file, the key or image id, the value and the remedy."""
