"""What a test may say: that two things are equal, in value and in type, and that a call is refused with certain words."""


def same(found, wanted):
    if type(found) is not type(wanted) or found != wanted:
        raise AssertionError(f"found {found!r} ({type(found).__name__}), wanted {wanted!r} ({type(wanted).__name__})")


def holds(condition, what):
    if not condition:
        raise AssertionError(what)


def refused(words, call, *arguments, **options):
    """The call must raise an error whose text contains `words`."""
    try:
        answer = call(*arguments, **options)
    except Exception as error:
        if words not in str(error):
            raise AssertionError(f"refused with {error!r}, wanted {words!r}") from error
        return
    raise AssertionError(f"answered {answer!r}, wanted a refusal with {words!r}")


def refusal(reply, words):
    """A reply of `wire` must be an error that begins with `words`."""
    if type(reply).__name__ != "Error" or not reply.startswith(words):
        raise AssertionError(f"found {reply!r}, wanted an error that begins with {words!r}")
