"""Links in messages: downloads of what is too large to attach, and the way to say no to advertising."""
