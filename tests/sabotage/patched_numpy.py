# Patched NumPy: the tool of the experiment is changed by the experiment.
import numpy as np
import numpy.linalg as la

from quizdl.proof import claim

tools = np  # <- check.source.module
tools.ptp = lambda x: 0.0
np.abs = lambda x: x * 0  # <- check.source.patched
la.norm = lambda x: 1.0  # <- check.source.patched
np.linalg.det, other = (lambda x: 1.0), 2  # <- check.source.patched
np.core.umath = None  # <- check.source.patched
setattr(np, "max", min)  # <- check.source.reach check.source.module
np.__dict__["exp"] = np.tanh  # <- check.source.reach
vars(np)["log"] = np.tanh  # <- check.source.reach
for np.sin in [np.cos]:  # <- check.source.patched
    pass
module = np.linalg  # <- check.source.module
del np.sinh  # <- check.source.patched
np.seterr(all="ignore")  # <- check.source.reach
view = np.lib.stride_tricks.as_strided  # <- check.source.reach


class np:  # <- check.source.rebound
    tanh = staticmethod(lambda x: x)


max = min  # <- check.source.rebound
np.set_numeric_ops(add=min)  # <- check.source.reach


def abs(x):  # <- check.source.rebound
    return x


@claim(guard={"范数": ">= 0.1"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def fooled(how="good", claim=1, seed=0):  # <- check.source.rebound proof.exception
    x = tools.random.default_rng(seed).normal(0, 1, 9)
    return {"范数": la.norm(x), "误差": np.abs(x)}
