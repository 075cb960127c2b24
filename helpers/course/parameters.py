"""Whether an answer can be called as the lesson calls it; and if not, how it must be."""

import inspect

KINDS = inspect.Parameter


def wrong_parameters(answer, cases, reference, names):
    """Say why an answer cannot be called as the cases call it; "" if it can.

    Args:
        answer: callable.
        cases: list of Case.
        reference: callable, the tested function, which may have more parameters than the lesson's stub.
        names: list of str, the parameters of the stub.
    """
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):
        return ""
    for case in cases:
        try:
            signature.bind(*case.args, **case.kwargs)
        except TypeError:
            expected = written(inspect.signature(reference), names)
            takes = written(signature) or "nothing"
            return (
                f"wrong parameters: expected ({expected}), but it takes ({takes}).{_advice(signature, case)}"
            )
    return ""


def written(signature, names=None):
    """Write the parameters as a `def` does, `*` and `/` included, without annotations: "a, *, b=1"."""
    chosen = [p for p in signature.parameters.values() if names is None or p.name in names]
    plain = [p.replace(annotation=KINDS.empty) for p in chosen]
    return str(inspect.Signature(plain))[1:-1]


def _advice(signature, case):
    parameters = list(signature.parameters.values())
    by_name = [p.name for p in parameters if p.kind is KINDS.KEYWORD_ONLY]
    by_place = [p.name for p in parameters if p.kind is KINDS.POSITIONAL_ONLY]
    places = [p for p in parameters if p.kind in (KINDS.POSITIONAL_ONLY, KINDS.POSITIONAL_OR_KEYWORD)]
    if by_name and len(case.args) > len(places):
        return f" What stands behind `*` can be given by name alone, and `{by_name[0]}` comes by its place."
    if any(name in case.kwargs for name in by_place):
        return f" What stands before `/` can be given by its place alone, and `{by_place[-1]}` comes by name."
    return ""
