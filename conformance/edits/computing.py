"""The functions of a file that compute something, and do nothing else.

Left out: what they compute.
"""

import ast


def of_one(tree: ast.Module) -> list[ast.expr]:
    """The functions and methods of a file that compute something of one argument, not in a loop."""
    found: list[ast.expr] = []
    blocks = [tree.body, *(each.body for each in tree.body if isinstance(each, ast.ClassDef))]
    for block in blocks:
        for each in (e for e in block if isinstance(e, ast.FunctionDef) and only_computes(e)):
            if any(isinstance(e, ast.For | ast.While) for e in ast.walk(each)):
                continue
            given = [e.arg for e in each.args.posonlyargs + each.args.args]
            if len(given) == 1 and given != ["self"]:
                found.append(ast.Name(each.name, ast.Load()))
            if len(given) == 2 and given[0] == "self":  # noqa: PLR2004 - and one more
                found.append(ast.Attribute(ast.Name("self", ast.Load()), each.name, ast.Load()))
    return found


def only_computes(function: ast.FunctionDef) -> bool:
    """Whether a function returns a value, keeps none, and calls none for what it does.

    But to fill a list.
    """
    parts = [*ast.walk(function)]
    keeps = any(isinstance(e, ast.Attribute) and isinstance(e.ctx, ast.Store) for e in parts)
    done = [e.value for e in parts if isinstance(e, ast.Expr)]
    called = [getattr(e, "func", e) for e in done if not isinstance(e, ast.Constant)]
    fills = all(last_name(each) == "append" for each in called)
    returned = any(isinstance(e, ast.Return) and e.value for e in parts)
    return fills and returned and not keeps and not function.name.startswith("__")


def last_name(callee: ast.expr) -> str:
    """The name that is called: f of `f(…)` and of `a.f(…)`."""
    return callee.id if isinstance(callee, ast.Name) else getattr(callee, "attr", "")
