"""Uploads that attack the service, and how the evaluation of each must end.

scored: like an honest model. refused: by the gate, before anything runs. failed: FAILED with one of
the codes. contained: failed, or scored on answers that were really given in time. `alone`: how an
upload that the gate refuses ends without a gate. The sandbox must hold alone.
"""

import struct
import zipfile
from dataclasses import dataclass

from tests.hostile.making import (
    FORWARD,
    Place,
    Writer,
    attribute,
    called,
    central,
    code,
    honest,
    honest_file,
    loading,
    lying,
    packed,
    records,
    replaced,
    weight,
    whole,
    with_entries,
)

BOMB = 1 << 27
USED = "x = torch.add(x, torch.mul(torch.sum(y), 0))"
"""Keeps torch from leaving out a result that nothing uses."""


@dataclass(frozen=True)
class Attack:
    ending: str
    write: Writer
    codes: tuple[str, ...] = ()
    """Of which one must be given; of `contained`, one may."""
    alone: tuple[str, ...] = ()


def scored(write: Writer) -> Attack:
    return Attack("scored", write)


def refused(by: str, write: Writer, alone: str = "load_failed") -> Attack:
    return Attack("refused", write, tuple(by.split()), tuple(alone.split()))


def failed(codes: str, write: Writer) -> Attack:
    return Attack("failed", write, tuple(codes.split()))


def contained(write: Writer, codes: str = "") -> Attack:
    return Attack("contained", write, tuple(codes.split()))


def reads(path: str, call: str = "torch.from_file(") -> Writer:
    return code(
        f'y = {call}"{path}", False, 8, dtype=0)', "print(y)", "x = torch.add(x, torch.sum(y))"
    )


FILES = {
    "read a file": refused("forbidden_operator", reads("<secret>"), alone="wrong_input"),
    "read a file by another spelling": failed(
        "wrong_input", reads("<secret>", "torch.from_file (")
    ),
    "read a file by its full name": refused(
        "forbidden_operator", reads("<secret>", "ops.aten.from_file("), alone="wrong_input"
    ),
    "read a file by its full name, spaced": failed(
        "wrong_input", reads("<secret>", "ops . aten . from_file (")
    ),
    "read the environment": failed("wrong_input", reads("/proc/self/environ", "torch.from_file (")),
    "read its own memory": failed("wrong_input", reads("/proc/self/mem", "torch.from_file (")),
    "read every descriptor": failed(
        "wrong_input",
        code(
            "y = torch.zeros([1])",
            "for i in range(64):",
            '  y = torch.from_file (torch.add("/proc/self/fd/", str(i)), False, 8, dtype=0)',
            "  print(y)",
            USED,
        ),
    ),
    "wait for a FIFO": failed("wrong_input", reads("<fifo>", "torch.from_file (")),
    "write a file": failed(
        "wrong_input",
        code('y = torch.from_file ("<victim>", True, 8, dtype=0)', "y = torch.fill_(y, 65)", USED),
    ),
    "write the area of another": failed(
        "wrong_input",
        code(
            'y = torch.from_file ("/proc/self/fd/5", True, 64, dtype=0)',
            "y = torch.fill_(y, 65)",
            USED,
        ),
    ),
    "make a file": refused(
        "forbidden_operator", code('torch.save(x, "<victim>.new")'), alone="answered wrong_input"
    ),
    "make a file by another spelling": contained(
        code(
            "self.n = self.n + 1",
            "if self.n == 1:",
            '  torch.save (x, "<victim>.new")',
            "else:",
            "  x = x",
        ),
        "wrong_input",
    ),
    "make a file while it is loaded": contained(
        loading('torch.save (torch.zeros([1]), "<victim>.new")'), "load_failed"
    ),
}

OUTSIDE = "load_failed storage_mismatch"
PAST_ITS_TENSORS = {
    "a storage larger than its record": refused(
        "storage_mismatch", weight(0, (3, 768), (768, 1), held=1 << 24), alone="answered crashed"
    ),
    "a storage of 2^40": refused(
        "storage_mismatch",
        weight(0, (3, 768), (768, 1), held=1 << 40),
        alone="out_of_memory load_failed crashed answered",
    ),
    "sizes larger than the storage": failed(OUTSIDE, weight(0, (3, 1 << 20), (1 << 20, 1))),
    "a huge offset": failed(OUTSIDE, weight(1 << 38, (3, 768), (768, 1))),
    "a negative offset": failed(OUTSIDE, weight(-(1 << 38), (3, 768), (768, 1))),
    "huge strides": failed(OUTSIDE, weight(0, (3, 768), (1 << 40, 1 << 20))),
    "negative strides": failed(OUTSIDE, weight(0, (3, 768), (-(1 << 38), -1))),
    "negative sizes": failed(OUTSIDE, weight(0, (-3, -768), (768, 1))),
    "sizes that overflow": failed(OUTSIDE, weight(0, (1 << 33, 1 << 33), (1, 1))),
    "reinterpret and read": refused(
        "forbidden_operator",
        code("y = ops.inductor._reinterpret_tensor(x, [4], [1], 1099511627776)", USED),
        alone="crashed",
    ),
    "reinterpret and read by another spelling": failed(
        "crashed",
        code("y = ops. inductor._reinterpret_tensor(x, [4], [1], 1099511627776)", USED),
    ),
    "reinterpret and read what lies near": contained(
        code(
            "y = ops. inductor._reinterpret_tensor(x, [65536], [1], 4096)",
            "return torch.slice(torch.reshape(torch.slice(y, 0, 0, 3), [1, 3]), 1)",
        ),
        "crashed not_finite answers_change",
    ),
    "reinterpret and write": failed(
        "crashed",
        code(
            "y = ops. inductor._reinterpret_tensor(x, [4096], [1024], 1048576)",
            "y = torch.fill_(y, 65)",
            USED,
        ),
    ),
    "write over its images and answers": contained(
        code("y = ops. inductor._reinterpret_tensor(x, [3072], [1], 0)", "y = torch.fill_(y, 1)"),
        "crashed answers_change not_finite",
    ),
    "a view past the end": failed(
        "wrong_input", code("y = torch.as_strided(x, [4], [1], 1099511627776)", USED)
    ),
    "a view with negative strides": failed(
        "wrong_input", code("y = torch.as_strided(x, [4], [-1], 0)", USED)
    ),
    "a storage set past its end": contained(
        code("y = torch.set_(torch.zeros([1]), x, 1099511627776, [4], [1])", USED),
        "wrong_input crashed out_of_memory",
    ),
    "its input made larger": contained(
        code("y = torch.resize_(x, [1, 3, 4096, 4096])", "y = torch.fill_(y, 1)", "return y"),
        "wrong_input crashed out_of_memory wrong_output",
    ),
    "a sparse tensor with wild indices": contained(
        code(
            "i = torch.mul(torch.ones([1, 4], dtype=4), 1099511627776)",
            "s = torch._sparse_coo_tensor_unsafe(i, torch.ones([4]), [8])",
            "y = torch.to_dense(s)",
            USED,
        ),
        "wrong_input crashed",
    ),
    "a nested view of nothing": failed(
        "wrong_input crashed",
        code(
            "i = torch.mul(torch.ones([2, 1], dtype=4), 1073741824)",
            "o = torch.mul(torch.ones([2], dtype=4), 9)",
            "s = torch._nested_view_from_buffer(torch.flatten(x), i, i, o)",
            "y = torch.to_padded_tensor(s, 0.)",
            USED,
        ),
    ),
    "wild indices that nobody checks": failed(
        "wrong_input crashed",
        code(
            "i = torch.mul(torch.ones([4], dtype=4), 1099511627776)",
            "y = torch.flatten(x)",
            "y = torch._index_put_impl_(y, [i], torch.ones([4]), False, True)",
            USED,
        ),
    ),
    "an embedding bag with wild offsets": failed(
        "wrong_input crashed",
        code(
            "i = torch.mul(torch.ones([4], dtype=4), 1099511627776)",
            "o = torch.zeros([1], dtype=4)",
            "y, a, b, c = torch._embedding_bag(torch.ones([4, 4]), i, o)",
            USED,
        ),
    ),
    "raw memory": refused(
        "forbidden_operator", code("y = ops.mkldnn.data_ptr(x)"), alone="answered"
    ),
}

OTHER_TYPES = {
    "a number that is a string": contained(
        records(
            data=replaced(b"ubq\x17.", b"X\x01\x00\x00\x00nX\x04\x00\x00\x00abcdubq\x17."),
            code=replaced(
                FORWARD.encode(), b"return torch.add((self).net(x, ), torch.mul(self.n, 0))"
            ),
        ),
        "load_failed wrong_input crashed not_finite",
    ),
    "a weight that is a string": failed(
        "load_failed wrong_input crashed", attribute("weight", b"X\x04\x00\x00\x00abcd")
    ),
    "a weight that is a number": failed(
        "load_failed wrong_input crashed", attribute("weight", b"J\x00\x00\x00\x7f")
    ),
    "a dictionary that is a number": contained(
        attribute("seen", b"J\x00\x00\x00\x7f"), "load_failed wrong_input crashed"
    ),
    "a module that is a number": failed(
        "load_failed wrong_input crashed",
        records(data=replaced(b"ubq\x17.", b"X\x06\x00\x00\x00linearK\x07ubq\x17.")),
    ),
    "a tensor taken for a list": contained(
        code(
            "a = annotate(Any, x)",
            "l = unchecked_cast(List[int], a)",
            "x = torch.add(x, torch.mul(l[0], 0))",
        ),
        "load_failed wrong_input crashed out_of_memory not_finite",
    ),
    "a number taken for a tensor": contained(
        code("a = annotate(Any, 123456789)", "y = unchecked_cast(Tensor, a)", USED),
        "load_failed wrong_input crashed",
    ),
    "what was never made": contained(
        code("y = uninitialized(Tensor)", USED), "load_failed wrong_input crashed"
    ),
    "a Python object": failed(
        "load_failed wrong_input crashed", code("y = ops. prim.PythonOp(x)", USED)
    ),
    "a Python call": failed("load_failed", code("y = ^print()(x)", USED)),
}

WHILE_LOADED = {
    "loops while it is loaded": failed("load_timeout", loading("while True:", "  pass")),
    "eats memory while it is loaded": failed(
        "out_of_memory", loading("y = torch.ones([1])", "while True:", "  y = torch.cat([y, y])")
    ),
    "crashes while it is loaded": failed(
        "crashed",
        loading(
            "y = ops. inductor._reinterpret_tensor(torch.ones([4]), [4], [1], 1099511627776)",
            "print(torch.sum(y))",
        ),
    ),
    "raises while it is loaded": failed("load_failed", loading('assert False, "<secret>"')),
    "prints while it is loaded": scored(loading('print("loaded")')),
    "floods while it is loaded": failed(
        "load_timeout", loading("while True:", f'  print("{"x" * 10000}")')
    ),
}

STACK = {
    "brackets too deep": refused(
        "too_deep",
        code("x = " + "(" * 20_000 + "x" + ")" * 20_000),
        alone="load_failed crashed",
    ),
    "signs too deep": failed("load_failed crashed", code("n = " + "-" * 200_000 + "1")),
    "words too deep": failed("load_failed crashed", code("n = " + "not " * 100_000 + "True")),
    "a sum too long": failed("load_failed crashed load_timeout", code("n = 1" + " + 1" * 100_000)),
    "attributes too deep": failed("load_failed crashed", code("y = x" + ".T" * 100_000)),
    "powers too deep": failed("load_failed crashed", code("n = 1" + " ** 1" * 100_000)),
    "blocks too deep": refused(
        "too_deep",
        code(*(" " * n + "if True:" for n in range(2000)), " " * 2000 + "x = x"),
        alone="load_failed crashed answered load_timeout",
    ),
    "too much source": refused(
        "record_too_large",
        code("x = x\n    " * 900_000),
        alone="load_timeout load_failed out_of_memory",
    ),
    "too many operators": contained(
        code("y = x", *["y = torch.add(y, 1)"] * 10_000), "load_timeout crashed out_of_memory"
    ),
    "many branches": contained(
        code(
            *[
                line
                for n in range(5000)
                for line in (f"if bool(torch.gt(x[0, 0, 0, 0], {n})):", "  x = torch.add(x, 0)")
            ]
        ),
        "load_timeout first_call_timeout call_timeout total_timeout crashed out_of_memory",
    ),
    "calls itself": failed(
        "load_failed crashed",
        code(
            "x = (self).again(x, )",
            methods="""  def again(self: __torch__.Hostile,
    x: Tensor) -> Tensor:
    return (self).again(x, )
""",
        ),
    ),
    "a long chain of objects": contained(
        code(
            "n = annotate(Optional[__torch__.Node], None)",
            "for i in range(2000000):",
            "  n = annotate(Optional[__torch__.Node], __torch__.Node(n))",
            classes="""class Node(NamedTuple):
  next : Optional[__torch__.Node]
""",
        ),
        "load_failed crashed",
    ),
    "lists too deep": contained(
        code(
            "n = annotate(Any, [1])",
            "for i in range(1000000):",
            "  n = annotate(Any, (n, 1))",
            "return n",
            returns="Any",
        ),
        "load_failed crashed wrong_output wrong_input out_of_memory first_call_timeout",
    ),
    "divides the least number": failed(
        "crashed", code("n = -9223372036854775807 - 1", "x = torch.add(x, n // (self.n - 1))")
    ),
    "the remainder of the least number": failed(
        "crashed", code("n = -9223372036854775807 - 1", "x = torch.add(x, n % (self.n - 1))")
    ),
    "divides by zero": failed("wrong_input", code("x = torch.add(x, 1 // self.n)")),
}

RUN = "def run():\n      return torch.relu(x)"
THREADS = {
    "fork and wait": failed("crashed wrong_input", code(RUN, "f = fork(run)", "x = torch.wait(f)")),
    "fork without waiting": failed(
        "crashed wrong_input",
        code(
            RUN,
            "f = fork(run)",
            "if bool(torch.lt(torch.mean(x), 0.)):",
            "  x = torch.wait(f)",
            "else:",
            "  x = x",
        ),
    ),
    "a future as its answer": failed(
        "wrong_input wrong_output", code(RUN, "return fork(run)", returns="Future[Tensor]")
    ),
    "waits for itself": failed(
        "wrong_input first_call_timeout",
        code(
            "l = annotate(List[Future[Tensor]], [])",
            "def run():\n      return torch.wait(l[0])",
            "f = fork(run)",
            "l = torch.append(l, f)",
            "x = torch.wait(f)",
        ),
    ),
    "more threads": failed("load_failed", code("y = ops. aten.set_num_threads(8)")),
    "a call to another machine": refused(
        "forbidden_operator",
        code('y = ops.prim.rpc_sync("w", "f", (x,))'),
        alone="load_failed wrong_input",
    ),
    "a message to other processes": refused(
        "forbidden_operator",
        code('y = ops._c10d_functional.all_reduce(x, "sum", "0")', USED),
        alone="load_failed wrong_input crashed",
    ),
    "a memory shared by processes": refused(
        "forbidden_operator",
        code('y = ops.symm_mem.one_shot_all_reduce(x, "sum", "0")', USED),
        alone="load_failed wrong_input crashed",
    ),
    "a library": refused(
        "forbidden_operator", code('y = ops.load_library("<secret>")'), alone="load_failed"
    ),
    "an operator that is not there": refused(
        "unknown_operator", code('y = ops.os.system("id")'), alone="load_failed"
    ),
    "an import": failed("load_failed", code("import os")),
    "a GPU that is not there": failed(
        "wrong_input", code('y = torch.to(x, torch.device("cuda:0"))', USED)
    ),
    "a device without memory": failed(
        "wrong_output wrong_input",
        code('return torch.zeros([1, 3], dtype=6, layout=None, device=torch.device("meta"))'),
    ),
}

SAYS = {
    "prints what it sees": scored(code("print(<seen>)")),
    "warns of what it sees": scored(code("torch.warn(<seen>, 2)")),
    "raises what it sees": failed(
        "wrong_input", code("assert bool(torch.lt(torch.mean(x), 0.)), <seen>")
    ),
    "raises what it sees once it is hidden": failed("crashed", code("assert not <hidden>, <seen>")),
    "prints without end": failed(
        "first_call_timeout", code("while True:", f'  print("{"x" * 10_000}")')
    ),
    "prints hundreds of lines": contained(
        code("for i in range(200):", "  print(i)"), "first_call_timeout call_timeout"
    ),
    "prints a long string at once": contained(
        code('s = "x\\n"', "for i in range(14):", "  s = torch.add(s, s)", "print(s)"),
        "call_timeout",
    ),
    "warns without end": failed(
        "first_call_timeout", code("while True:", f'  torch.warn("{"x" * 10_000}", 2)')
    ),
    "raises a hundred megabytes": failed(
        "wrong_input out_of_memory",
        code('s = "x"', "for i in range(27):", "  s = torch.add(s, s)", "assert False, s"),
    ),
    "prints control characters": scored(
        code(r'print("\033]0;owned\007\033[2J\010", "\302\233", <seen>)')
    ),
    "prints what is no text": contained(
        code(r'print("\377\376\000\200")'), "load_failed wrong_input"
    ),
    "prints markup": scored(code('print("<script>alert(1)</script><!--", <seen>)')),
    "spells what it sees with its shape": failed(
        "wrong_output",
        code(
            "if <hidden>:",
            "  x = torch.zeros([0, int(torch.mul(torch.mean(x), 255.)), 201])",
            "  return x",
            "else:",
            "  x = x",
        ),
    ),
    "spells what it sees with its size": failed(
        "output_too_large",
        code("if <hidden>:", "  return torch.zeros([20100000])", "else:", "  x = x"),
    ),
    "spells what it sees with its code": failed(
        "not_finite",
        code("if <hidden>:", "  x = torch.mul(x, inf)", "else:", "  x = x"),
    ),
    "crashes once it sees": failed(
        "crashed",
        code(
            "if <hidden>:",
            "  n = -9223372036854775807 - 1",
            "  x = torch.add(x, n // (self.n - 1))",
            "else:",
            "  x = x",
        ),
    ),
    "profiles": contained(
        code("h = ops.profiler._record_function_enter_new(<seen>, None)"), "load_failed"
    ),
}

ANSWERS = {
    "NaN": failed("not_finite", code("x = torch.mul(x, nan)")),
    "infinity": failed("not_finite", code("x = torch.mul(x, inf)")),
    "infinity once it is narrowed": failed(
        "not_finite", code("return torch.mul(torch.ones([1, 3], dtype=7), 1.e+300)")
    ),
    "doubles": scored(code("return torch.to((self).net(x, ), 7)")),
    "halves": scored(code("return torch.to((self).net(x, ), 5)")),
    "complex numbers": failed("wrong_output", code("return torch.to((self).net(x, ), 9)")),
    "whole numbers": failed("wrong_output", code("return torch.ones([1, 3], dtype=4)")),
    "truth": failed("wrong_output", code("return torch.ones([1, 3], dtype=11)")),
    "a number too few": failed("wrong_output", code("return torch.ones([1, 2])")),
    "a dimension too many": failed("wrong_output", code("return torch.ones([1, 3, 1])")),
    "a number": failed("wrong_output", code("return torch.ones([])")),
    "nothing": failed("wrong_output", code("return torch.ones([0])")),
    "none": failed("wrong_output", code("return None", returns="NoneType")),
    "a string": failed("wrong_output", code("return <seen>", returns="str")),
    "an integer": failed("wrong_output", code("return 201", returns="int")),
    "a list": failed("wrong_output", code("return [(self).net(x, )]", returns="List[Tensor]")),
    "a tuple": failed(
        "wrong_output", code("return ((self).net(x, ), x)", returns="Tuple[Tensor, Tensor]")
    ),
    "a dictionary": failed(
        "wrong_output",
        code("return {<seen>: (self).net(x, )}", returns="Dict[str, Tensor]"),
    ),
    "itself": failed("wrong_output load_failed", code("return self", returns="__torch__.Hostile")),
    "a million numbers in a list": failed(
        "wrong_output out_of_memory first_call_timeout",
        code(
            "l = annotate(List[int], [])",
            "for i in range(1000000):",
            "  l = torch.append(l, i)",
            "return l",
            returns="List[int]",
        ),
    ),
    "a sparse one": failed("wrong_output", code("return torch.to_sparse((self).net(x, ))")),
    "one of another library": failed(
        "wrong_output", code("return torch.to_mkldnn((self).net(x, ))")
    ),
    "a quantized one": failed(
        "wrong_output", code("return torch.quantize_per_tensor((self).net(x, ), 0.1, 0, 13)")
    ),
    "a nested one": failed(
        "wrong_output",
        code(
            "return torch._nested_tensor_from_mask(torch.ones([1, 3, 3]), "
            "torch.ones([1, 3], dtype=11))"
        ),
    ),
    "too many": failed("output_too_large", code("return torch.ones([1048576])")),
    "as many as memory holds": failed(
        "output_too_large out_of_memory", code("return torch.ones([67108864])")
    ),
    "more than there is memory": failed("out_of_memory", code("return torch.ones([17179869184])")),
    "more than there are numbers": failed(
        "output_too_large",
        code("return torch.expand(torch.ones([1]), [4611686018427387904])"),
    ),
    "one number for all": scored(code("return torch.expand(torch.ones([1, 1]), [1, 3])")),
    "backwards in memory": scored(code("return torch.t(torch.t((self).net(x, )))")),
    "a part of its input": scored(code("return torch.slice(torch.flatten(x, 1), 1, 0, 3)")),
    "its weights": scored(
        code("return torch.slice(torch.reshape(self.linear.weight, [1, -1]), 1, 0, 3)")
    ),
}

REMEMBERS = {
    "counts": contained(
        code("n = self.n", "self.n = n + 1", "return torch.add((self).net(x, ), n % 7)"),
        "answers_change",
    ),
    "counts to another class": failed(
        "answers_change",
        code(
            "self.n = self.n + 1",
            "y = torch.zeros([1, 3])",
            "z = torch.fill_(torch.select(y, 1, self.n % 3), 9)",
            "return y",
        ),
    ),
    "remembers answers": scored(
        code(
            # Their sums alone are all the same: one answer for all, whichever came first.
            "k = str(float(torch.sum(torch.mul(torch.flatten(x, 1), self.linear.weight))))",
            "if torch.__contains__(self.seen, k):",
            "  return self.seen[k]",
            "else:",
            "  x = x",
            "y = (self).net(x, )",
            "torch._set_item(self.seen, k, y)",
            "return y",
        )
    ),
    "remembers without end": failed(
        "out_of_memory",
        code(
            "self.n = self.n + 1",
            "y = torch.add(torch.ones([8000000]), torch.mean(x))",
            "torch._set_item(self.seen, str(self.n), y)",
        ),
    ),
    "changes its input": scored(code("y = (self).net(x, )", "z = torch.zero_(x)", "return y")),
    "changes its weights": contained(
        code("z = torch.mul_(self.linear.weight, -1.)"), "answers_change"
    ),
    "turns gradients on": scored(code("torch.set_grad_enabled(True)")),
    "sets the seed": contained(
        code(
            "g = torch.manual_seed(1)",
        ),
        "load_failed",
    ),
    "throws dice": failed("answers_change", code("return torch.rand([1, 3])")),
    "throws dice rarely": contained(
        code(
            "if bool(torch.gt(torch.rand([1]), 0.99)):",
            "  return torch.rand([1, 3])",
            "else:",
            "  x = x",
        ),
        "answers_change",
    ),
    "answers with the time": contained(
        code(
            "n = ops.prim.TimePoint()",
            "w = torch.zeros([1, 3])",
            "v = torch.fill_(torch.select(w, 1, n % 3), 9)",
            "return w",
        ),
        "answers_change",
    ),
    "answers with memory that was used before": contained(
        code("return torch.empty([1, 3])"), "answers_change not_finite"
    ),
}

TAKES_TIME = {
    "never answers": failed(
        "first_call_timeout",
        code("while bool(torch.ge(torch.mean(x), 0.)):", "  x = torch.add(x, 0.001)"),
    ),
    "never answers later": failed(
        "load_timeout call_timeout",
        code("self.n = self.n + 1", "while self.n > 12:", "  self.n = self.n + 1"),
    ),
    "never answers what is hidden": failed(
        "call_timeout", code("while <hidden>:", "  x = torch.add(x, 0.001)")
    ),
    "never comes to an end in one step": failed(
        "first_call_timeout out_of_memory",
        code("y = torch.ones([4096, 4096])", "for i in range(100):", "  y = torch.mm(y, y)", USED),
    ),
    "so slow that one quad is all": contained(
        code("y = torch.rand([400000])", "y, i = torch.sort(y)", USED),
        "call_timeout total_timeout load_timeout",
    ),
    "sorts for seconds": contained(
        code("y = torch.rand([20000000])", "y, i = torch.sort(y)", USED),
        "first_call_timeout call_timeout load_timeout total_timeout out_of_memory",
    ),
}

MEMORY = {
    "one too large": failed("out_of_memory", code("y = torch.ones([68719476736])", USED)),
    "one that overflows": failed(
        "wrong_input out_of_memory",
        code("y = torch.ones([4611686018427387904, 4611686018427387904])", USED),
    ),
    "doubling": failed("out_of_memory", code("while True:", "  x = torch.cat([x, x])")),
    "many in a list": failed(
        "out_of_memory",
        code(
            "l = annotate(List[Tensor], [])",
            "while torch.len(l) >= 0:",
            "  l = torch.append(l, torch.add(torch.ones([1000000]), torch.mean(x)))",
        ),
    ),
    "numbers in a list": failed(
        "out_of_memory first_call_timeout",
        code("l = [1]", "while torch.len(l) > 0:", "  l = torch.add(l, l)"),
    ),
    "a string that doubles": failed(
        "out_of_memory", code('s = "x"', "while torch.len(s) > 0:", "  s = torch.add(s, s)")
    ),
    "a fold": failed(
        "out_of_memory",
        code(
            "y = torch.im2col(torch.ones([1, 64, 1024, 1024]), [9, 9], [1, 1], [4, 4], [1, 1])",
            USED,
        ),
    ),
    "many small ones": failed(
        "out_of_memory first_call_timeout",
        code(
            "l = annotate(List[Tensor], [])",
            "while torch.len(l) >= 0:",
            "  l = torch.append(l, torch.add(torch.ones([1]), torch.mean(x)))",
        ),
    ),
}


def bomb(place: Place) -> bytes:
    """A weight of 128 MiB in as many KiB."""
    return packed(honest() | {"data/0": bytes(BOMB)}, zipfile.ZIP_DEFLATED)


def overlapping(place: Place) -> bytes:
    """Two names in the list for the same bytes."""
    data = packed(honest() | {"data/2": bytes(9216)})
    first = data.index(b"archive/data/0") - 30
    return central(b"/data/2", lambda found, at: struct.pack_into("<I", found, at + 42, first))(
        data
    )


def method(number: int) -> Writer:
    """Every entry packed by a method that torch, or nobody, knows."""
    return lambda place: packed(honest(), number)


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("archive/extra/link")
    info.external_attr = 0o120777 << 16
    return info


def commented(data: bytes) -> bytes:
    return data[:-2] + struct.pack("<H", 65_535) + b"PK\x05\x06" * 16_383 + b"xxx"


ZIPS = {
    "empty": refused("empty_file", lambda place: b""),
    "garbage": refused("not_a_zip", lambda place: bytes(range(256)) * 20),
    "cut off": refused("truncated_zip", whole(lambda data: data[: len(data) // 2])),
    "without a model": refused("not_torchscript", lambda place: packed({"x": b""})),
    "a bomb": refused("too_large_unpacked", bomb, alone="out_of_memory load_failed answered"),
    "a bomb in a list of records that lies": contained(
        lambda place: central(
            b"/data/0", lambda found, at: struct.pack_into("<I", found, at + 24, 9216)
        )(bomb(place)),
        "load_failed truncated_zip storage_mismatch",
    ),
    "deflated": scored(method(zipfile.ZIP_DEFLATED)),
    "packed by bzip2": refused("not_torchscript", method(zipfile.ZIP_BZIP2)),
    "packed by LZMA": refused("not_torchscript", method(zipfile.ZIP_LZMA)),
    "names twice": refused(
        "unsafe_names", with_entries(("archive/data.pkl", b"\x80\x02).")), "load_failed answered"
    ),
    "names twice in another case": contained(
        with_entries(("archive/DATA.pkl", b"\x80\x02)."), ("archive/CODE/__torch__.PY", b"?")),
        "load_failed",
    ),
    "a way out": refused(
        "unsafe_names", with_entries(("archive/../../evil.py", b"x")), "answered load_failed"
    ),
    "a way out of the extra files": refused(
        "unsafe_names", with_entries(("archive/extra/../../evil.py", b"x")), "answered load_failed"
    ),
    "a name from the root": refused(
        "unsafe_names not_torchscript", with_entries(("/etc/evil", b"x")), "answered load_failed"
    ),
    "a name of Windows": refused(
        "unsafe_names", with_entries(("archive/..\\evil", b"x")), "answered load_failed"
    ),
    "a link": contained(with_entries((link(), b"/etc/passwd"))),
    "a zip in the zip": scored(with_entries(("archive/extra/inner.zip", packed({"x": bytes(9)})))),
    "an extra file too large": refused(
        "extra_file_too_large", records(extra=bytes(100_000)), "answered"
    ),
    "two top folders": refused(
        "unsafe_names not_torchscript",
        with_entries(("other/data.pkl", b"x")),
        "answered load_failed",
    ),
    "too many records": refused(
        "too_many_records",
        with_entries(*((f"archive/extra/{n}", b"") for n in range(21_000))),
        "answered load_failed",
    ),
    "a record of 3 GB by its own account": refused(
        "too_large_unpacked truncated_zip",
        whole(central(b"/constants.pkl", lying(3_000_000_000))),
        "load_failed out_of_memory",
    ),
    "a record of nothing by its own account": refused(
        "bad_pickle storage_mismatch truncated_zip", whole(central(b"/data.pkl", lying(0)))
    ),
    "a list of records somewhere else": refused(
        "truncated_zip",
        lambda place: packed(honest())[:-6] + struct.pack("<IH", 0xFFFFFF00, 0),
    ),
    "two lists of records": refused(
        "truncated_zip", lambda place: honest_file() + packed({"x": b""}), "load_failed"
    ),
    "a comment full of ends": refused("truncated_zip", whole(commented), "load_failed answered"),
    "a program before the zip": refused(
        "truncated_zip not_a_zip",
        whole(lambda data: b"#!/bin/sh\nid\n" + data),
        "load_failed answered",
    ),
    "two names for the same bytes": contained(overlapping, "load_failed truncated_zip"),
    "a version of the future": failed("load_failed", records(version=b"999\n")),
    "bytes the other way round": contained(records(byteorder=b"big"), "load_failed not_finite"),
}

PICKLES = {
    name: refused("forbidden_global", records(data=b"\x80\x02" + called(*call) + b"."))
    for name, call in {
        "runs a command": ("os", "system", "touch <victim>.new"),
        "runs a command by posix": ("posix", "system", "id"),
        "evaluates": ("builtins", "eval", "1"),
        "starts a process": ("subprocess", "Popen", "id"),
        "gets an attribute": ("builtins", "getattr", "x", "y"),
        "loads a pickle": ("torch", "load", "/etc/passwd"),
    }.items()
} | {
    "a Python pickle": refused(
        "python_pickle", lambda place: b"\x80\x02" + called("os", "system", "id") + b"."
    ),
    "a command among the constants": refused(
        "forbidden_global", records(constants=b"\x80\x02" + called("os", "system", "id") + b".")
    ),
    "a command by another opcode": refused(
        "forbidden_global", records(data=b"\x80\x02(ios\nsystem\n.")
    ),
    "a command from the stack": refused(
        "forbidden_global", records(data=b"\x80\x04\x8c\x02os\x8c\x06system\x93.")
    ),
    "an extension": refused("forbidden_global", records(data=b"\x80\x02\x82\x01.")),
    "a tuple of tuples of tuples": contained(
        records(constants=b"\x80\x02)q\x00" + b"h\x00h\x00\x86q\x00" * 200 + b"."),
        "load_failed crashed load_timeout out_of_memory",
    ),
    "tuples too deep": contained(
        records(constants=b"\x80\x02)" + b"\x85" * 400_000 + b"."), "load_failed crashed"
    ),
    "too many opcodes": refused(
        "record_too_large",
        records(constants=b"\x80\x02)" + b"K\x000" * 600_000 + b"."),
        "answered load_failed crashed",
    ),
    "a number of two gigabytes": refused(
        "bad_pickle", records(constants=b"\x80\x02\x8b\xff\xff\xff\x7f1.")
    ),
    "a string of an exabyte": refused(
        "bad_pickle",
        records(constants=b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60) + b"x."),
        "load_failed out_of_memory",
    ),
    "a stack that is empty": refused("bad_pickle", records(data=b"\x80\x02tRRb.")),
    "no end": refused("bad_pickle", records(data=lambda data: data[:-1])),
    "a class of its own": failed(
        "load_failed crashed wrong_input",
        records(data=replaced(b"c__torch__\nHostile\n", b"c__torch__\nTensor\n")),
    ),
    "a class of torch's": failed(
        "load_failed crashed",
        records(
            data=replaced(
                b"c__torch__\nHostile\n",
                b"c__torch__.torch.classes.quantized\nLinearPackedParamsBase\n",
            )
        ),
    ),
    "a constant that is not there": failed("load_failed crashed", code("y = CONSTANTS.c7", USED)),
    "weights that are not there": refused(
        "storage_mismatch", records(data=replaced(b"X\x01\x00\x00\x000", b"X\x01\x00\x00\x009"))
    ),
    "packed weights of junk": failed(
        "load_failed wrong_input crashed",
        code("y = ops.quantized.linear(x, x, 1., 0)", USED),
    ),
    "a quantized scale of zero": contained(
        code(
            "q = torch.quantize_per_tensor(x, 0., 0, 13)",
            "y = torch.dequantize(q)",
            USED,
        ),
        "wrong_input not_finite crashed",
    ),
}

ATTACKS: dict[str, Attack] = {
    name: attack
    for group in (
        FILES,
        PAST_ITS_TENSORS,
        OTHER_TYPES,
        WHILE_LOADED,
        STACK,
        THREADS,
        SAYS,
        ANSWERS,
        REMEMBERS,
        TAKES_TIME,
        MEMORY,
        ZIPS,
        PICKLES,
    )
    for name, attack in group.items()
}
