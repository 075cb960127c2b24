"""Change a function by one step, as a slip of the pen does: another sign, axis, number, order, function.

`changes(function)` gives every such change of its source, as (words, function). What is right after a change
is either the same function by mathematics, or was tried on cases too tame to tell; see
tests/test_case_strength.py.
"""

import ast
import copy
import inspect
import textwrap

OPERATORS = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.FloorDiv: (ast.Div,),
    ast.MatMult: (ast.Mult,),
    ast.Pow: (ast.Mult,),
}
COMPARISONS = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
FUNCTIONS = {
    "mean": ("sum", "max"),
    "sum": ("mean", "max"),
    "max": ("mean", "min"),
    "maximum": ("minimum",),
    "var": ("std",),
    "argmax": ("argmin",),
    "any": ("all",),
    "log": ("log2", "log1p"),
    "cos": ("sin",),
    "exp": ("exp2",),
    "hypot": ("add",),
    "eye": ("ones",),
    "ceil": ("floor",),
    "round": ("int",),
}
REMOVABLE = ("abs", "sqrt", "exp", "log", "clip", "round", "int", "transpose", "swapaxes", "broadcast_to")


def changes(function):
    """Give every change of a function by one step: list of (words, changed function)."""
    source = textwrap.dedent(inspect.getsource(function))
    tree = ast.parse(source)
    found, seen = [], {ast.dump(tree)}
    for number, node in enumerate(ast.walk(tree)):
        for changed in _changed(node):
            new = copy.deepcopy(tree)
            _put(new, number, changed)
            ast.fix_missing_locations(new)
            if (text := ast.dump(new)) in seen:
                continue
            seen.add(text)
            namespace = dict(function.__globals__)
            try:
                exec(compile(new, "<changed>", "exec"), namespace)  # noqa: S102
            except SyntaxError:
                continue
            found.append((f"{_words(node)} → {_words(changed)}", namespace[function.__name__]))
    return found


def _words(node):
    return " ".join(ast.unparse(node).split())


def _put(tree, number, new):
    """Put a node in the place of the one that `ast.walk` comes to with this number."""
    target = list(ast.walk(tree))[number]
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, new)
                return
            if isinstance(value, list) and any(part is target for part in value):
                value[:] = [new if part is target else part for part in value]
                return


def _changed(node):
    if isinstance(node, ast.BinOp):
        yield from _changed_operation(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand
    elif isinstance(node, ast.Compare):
        for new in COMPARISONS.get(type(node.ops[0]), ()):
            yield ast.Compare(node.left, [new()], node.comparators)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield from (ast.Constant(value) for value in (node.value + 1, node.value - 1))
    elif isinstance(node, ast.Call):
        yield from _changed_call(node)
    elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.ctx, ast.Load):
        yield ast.Tuple(node.elts[::-1], node.ctx)
    elif isinstance(node, ast.Slice) and (node.lower or node.upper or node.step):
        yield ast.Slice()


def _changed_operation(node):
    for new in OPERATORS.get(type(node.op), ()):
        yield ast.BinOp(node.left, new(), node.right)
    if isinstance(node.op, ast.FloorDiv):  # rounded up
        yield ast.UnaryOp(
            ast.USub(), ast.BinOp(ast.UnaryOp(ast.USub(), node.left), ast.FloorDiv(), node.right)
        )
    if isinstance(node.op, ast.MatMult | ast.Sub | ast.Div):
        yield ast.BinOp(node.right, node.op, node.left)
    yield node.left
    if isinstance(node.op, ast.Add | ast.Mult):
        yield node.right


def _changed_call(node):
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    for new in FUNCTIONS.get(name, ()):
        function = copy.deepcopy(node.func)
        if isinstance(function, ast.Attribute):
            function.attr = new
        else:
            function.id = new
        yield ast.Call(function, node.args, node.keywords)
    if name in REMOVABLE:
        is_method = isinstance(node.func, ast.Attribute) and not _is_module(node.func.value)
        yield node.func.value if is_method else node.args[0]
    for i in range(len(node.keywords)):
        yield ast.Call(node.func, node.args, node.keywords[:i] + node.keywords[i + 1 :])
    for i in range(len(node.args) - 1):
        if not any(isinstance(arg, ast.Starred) for arg in node.args):
            swapped = [*node.args[:i], node.args[i + 1], node.args[i], *node.args[i + 2 :]]
            yield ast.Call(node.func, swapped, node.keywords)


def _is_module(node):
    return isinstance(node, ast.Name) and node.id in ("np", "math", "ops")
