"""The exceptions that mean "not the program's fault"."""


class InputError(ValueError):
    """Bad input, told in one sentence: the file, the key or image id, the value and the remedy."""


class Stopped(Exception):
    """A computation that ended early as it was asked to, and goes on where it was when run again.

    Attributes:
        out_of_time: It was its time budget that asked, not a person or a scheduler.
    """

    def __init__(self, sentence: str, out_of_time: bool = False):
        super().__init__(sentence)
        self.out_of_time = out_of_time
