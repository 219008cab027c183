"""What a demo may import and name, as lists."""

from __future__ import annotations

from quizdl import proof


def _words(text: str, form: str = "{}") -> frozenset[str]:
    return frozenset(form.format(word) for word in text.split())


ANY = frozenset({"*"})
SUBMODULES = _words("fft linalg polynomial random", "numpy.{}")
"""What of NumPy is a module and of use to a demo."""
MODULES = {  # what may be imported; of some only these names
    "__future__": ANY,
    "collections": _words("ChainMap Counter OrderedDict defaultdict deque namedtuple"),
    "collections.abc": _words("Callable Iterable Iterator Mapping Sequence"),
    "dataclasses": _words("asdict astuple dataclass field replace"),
    "functools": _words("partial reduce wraps"),
    "itertools": ANY,
    "math": ANY,
    "numpy": ANY,
    "quizdl.proof": frozenset(proof.__all__),
    "typing": _words("Any Callable Iterable Iterator Literal NamedTuple Sequence TypeAlias"),
} | dict.fromkeys(SUBMODULES, ANY)

NUMPY = {  # of NumPy's modules, what neither has a state nor leads to another module
    "fft": _words(
        "fft fft2 fftfreq fftn fftshift hfft ifft ifft2 ifftn ifftshift ihfft irfft irfft2"
        " irfftn rfft rfft2 rfftfreq rfftn"
    ),
    "linalg": _words(
        "LinAlgError cholesky cond cross det diagonal eig eigh eigvals eigvalsh inv lstsq matmul"
        " matrix_norm matrix_power matrix_rank matrix_transpose multi_dot norm outer pinv qr"
        " slogdet solve svd svdvals tensordot tensorinv tensorsolve trace vecdot vector_norm"
    ),
    "polynomial": _words("Chebyshev Hermite HermiteE Laguerre Legendre Polynomial"),
    "random": _words(
        "BitGenerator Generator MT19937 PCG64 PCG64DXSM Philox SFC64 SeedSequence default_rng"
    ),
}
OUTSIDE = _words(  # of NumPy: files, clocks, settings of the process, ways to other modules
    "DataSource add_docstring add_newdoc add_newdoc_ufunc builtins char compat core ctypeslib"
    " datetime64 distutils dtypes exceptions f2py from_dlpack fromfile fromregex genfromtxt"
    " get_include getbufsize info lib load loadtxt ma math matlib memmap os rec save savetxt"
    " savez savez_compressed set_numeric_ops set_printoptions set_string_function setbufsize"
    " seterr seterrcall seterrobj show_config show_runtime source sys test testing typing"
    " version warnings"
)
ALLOWED_LIB = "numpy.lib.stride_tricks.sliding_window_view"

REACHING = _words(  # built-in functions
    "__import__ breakpoint compile delattr dir eval exec getattr globals hasattr help input"
    " locals memoryview object open setattr type vars"
)
UNREPEATABLE = _words("ascii hash id repr")
ENDING = _words("BaseException GeneratorExit KeyboardInterrupt SystemExit exit quit")
INNER = _words(  # attributes that lead to frames, modules, files, raw memory, a generator's seed
    "ag_frame bit_generator builtins cr_frame ctypes dump dumps entropy f_back f_builtins f_code"
    " f_globals f_lineno f_locals f_trace gi_code gi_frame mro os seed_seq setflags sys tb_frame"
    " tb_next tofile with_traceback"
)
RAW = _words("data dtype flags strides")
"""Attributes of an array that reinterpret its memory when they are set."""
DATES = _words("M8[ <M8 >M8 now")
"""How words begin that make NumPy read the clock or make dates."""

SPECIAL = _words(  # methods a teaching class may define; none is called behind one's back
    "init call post_init len iter next getitem repr add radd sub rsub mul rmul truediv rtruediv"
    " pow rpow matmul rmatmul neg",
    "__{}__",
)
DECORATORS = _words("classmethod dataclass property staticmethod")
BUILT_IN = _words(
    "abs all any bool dict divmod enumerate filter float frozenset int iter len list map max min"
    " next pow range reversed round set sorted str sum super tuple zip"
)
"""What a reader takes for granted, so that nothing else may have these names."""
MUTATING = _words(
    "add append appendleft clear discard extend extendleft fill insert itemset pop popitem"
    " popleft put remove resize reverse rotate send setdefault sort update"
)
ORDERLESS = _words("all any frozenset len max min set sorted")
"""What makes nothing of the order of a set."""

GENERATORS = _words(
    "MT19937 PCG64 PCG64DXSM Philox SFC64 SeedSequence default_rng", "numpy.random.{}"
)
DRAWS = _words(
    "beta binomial chisquare choice exponential gamma geometric integers laplace lognormal"
    " logistic normal permutation poisson random standard_normal triangular uniform"
)
"""Methods of a generator."""
SCALAR = _words("abs bool float int max min round sum")
"""Built-in functions that hand their arguments on as a number."""
ELEMENTWISE = _words(
    "abs add array asarray clip exp fabs float32 float64 log max maximum mean min minimum"
    " multiply select sqrt subtract sum where",
    "numpy.{}",
)
DIRECT = _words(
    "abs add array asarray choose clip fabs float32 float64 max maximum mean min minimum multiply"
    " select subtract sum take where",
    "numpy.{}",
)
"""Functions that a number goes through and is still that number."""
SHAPES = _words(
    "broadcast_to expand_dims moveaxis repeat reshape roll split swapaxes tile", "numpy.{}"
)
MIXING = _words("choose clip take")
"""Methods that put their arguments among the values of an array."""
SHAPING = _words("axis ddof dtype keepdims ord")
"""Arguments that say how an array is gone through, not what is in it."""
FILLED = _words("eye full linspace ones zeros", "numpy.{}")
LIKES = _words("full_like ones_like zeros_like", "numpy.{}")
SAME = _words("array asarray copy", "numpy.{}")
"""What hands on a thing as it is."""
FILLING = _words("add append extend insert setdefault update")
"""Methods whose last argument becomes part of what they are called on."""
