"""Equations of the library as JavaScript, so that the page computes with the same ones.

What a formula of Python and one of JavaScript share is translated: numbers, names, the four
operations, calls, and a branch for an argument that is not given. Anything else is refused.
"""

import ast
import inspect
from collections.abc import Callable
from textwrap import indent
from typing import Any

from inference_energy import units
from inference_energy.energy import equation, fleet

TRANSLATED = (
    equation.charged_tokens,
    equation.node_seconds,
    equation.drawn_power,
    equation.node_energy,
    equation.facility_energy,
    equation.coupled_utilisation,
    fleet.mix,
)
"""What the page calls."""

CALLS = {"np.minimum": "Math.min"}
"""Functions that have another name in JavaScript."""


def script() -> str:
    """Program that defines ``units`` and the TRANSLATED functions, under their own names."""
    constants = {name: value for name, value in vars(units).items() if name.isupper()}
    lines = [f"const {name} = {value!r};" for name, value in constants.items()]
    lines += [in_javascript(function) for function in TRANSLATED]
    names = ", ".join(function.__name__ for function in TRANSLATED)
    lines.append(f"return {{ units: {{ {', '.join(constants)} }}, {names} }};")
    body = indent("\n".join(lines), "  ")
    return f'"use strict";\n\nconst library = (() => {{\n{body}\n}})();\n'


def in_javascript(function: Callable[..., Any]) -> str:
    """Write a function of numbers in JavaScript.

    Parameters
    ----------
    function : callable
        Its body assigns, returns, and branches on ``is None``.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it holds what is not translated.
    """
    tree = ast.parse(inspect.getsource(function)).body[0]
    if not isinstance(tree, ast.FunctionDef):
        raise ValueError(f"not translated: {ast.unparse(tree)}")
    arguments = tree.args.args
    plain = len(arguments) - len(tree.args.defaults)
    names = [each.arg for each in arguments[:plain]]
    names += [
        f"{each.arg} = {_formula(default)}"
        for each, default in zip(arguments[plain:], tree.args.defaults, strict=True)
    ]
    body = indent("\n".join(map(_statement, tree.body[1:])), "  ")
    return f"const {tree.name} = ({', '.join(names)}) => {{\n{body}\n}};"


def _statement(node: ast.stmt) -> str:
    match node:
        case ast.Return(value=ast.expr() as value):
            return f"return {_formula(value)};"
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ):
            return f"const {name} = {_formula(value)};"
        case ast.If(test=ast.Compare(left, [ast.Is()], [ast.Constant(None)]), orelse=[]):
            body = " ".join(map(_statement, node.body))
            return f"if ({_formula(left)} === null) {{ {body} }}"
    raise ValueError(f"not translated: {ast.unparse(node)}")


def _formula(node: ast.expr) -> str:
    match node:
        case ast.Constant(None):
            return "null"
        case ast.Constant(int() | float()) | ast.Name():
            return ast.unparse(node)
        case ast.BinOp(left, ast.Add() | ast.Sub() | ast.Mult() | ast.Div() as operation, right):
            sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}[type(operation)]
            return f"({_formula(left)} {sign} {_formula(right)})"
        case ast.Call(keywords=[]):
            name = ast.unparse(node.func)
            # a number of JavaScript is a float already
            if name == "np.asarray":
                return _formula(node.args[0])
            return f"{CALLS.get(name, name)}({', '.join(map(_formula, node.args))})"
    raise ValueError(f"not translated: {ast.unparse(node)}")
