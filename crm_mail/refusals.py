"""What the product says no to: exceptions whose message is the user's message.

The lowest layer, so that a door (command line, worker) catches one class and imports no room for it.
"""


class Refusal(Exception):
    """Something asked for cannot be done; the message says what, where, and what to do, in English.

    Pages translate by what the subclass carries beside it (a code and values).
    """
