"""LayerNorm 与 BatchNorm：统计量跨哪几维，各自对什么不变，序列任务里差在哪里。"""

import numpy as np

from quizdl.proof import claim, heatmap

EPS = 1e-5
AXES = {  # 形状 (…, b, l, d) 的张量，统计量跨哪几维
    "d": (-1,),  # Transformer 的 LayerNorm：每个 token 一组
    "l,d": (-2, -1),  # 每个样本一组
    "b,l": (-3, -2),  # BatchNorm：每个特征一组
}


def normalize(x, axis):
    mean = x.mean(axis=axis, keepdims=True)
    return (x - mean) / np.sqrt(x.var(axis=axis, keepdims=True) + EPS)


def rms_norm(x):
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + EPS)


def rms(x):
    return np.sqrt(np.mean(x**2))


def influence(axes, rng):
    """输入的数逐个加 1，第 2 句第 3 个 token 的第 5 个特征变不变：(b·l, d) 的 0 与 1。"""
    x = rng.normal(size=(3, 4, 8))  # (b, l, d)
    bumped = x + np.eye(x.size).reshape(x.size, *x.shape)  # (96, b, l, d)：每次只改一个
    change = normalize(bumped, AXES[axes]) - normalize(x, AXES[axes])
    changed = np.abs(change[:, 1, 2, 4]) > 1e-9
    return np.concatenate(changed.reshape(x.shape))  # 各句接起来


@claim(
    guard={"换掉的 token 占比": "in [0.79, 0.81]", "输出的均方根": "in [0.95, 1.05]"},
    expect={"没换的 token 输出的变化": "<= 1e-12", "影响一个输出的数 / d": "== 1"},
    control=[{"axes": "l,d"}, {"axes": "b,l"}],
    knobs={"axes": ["d", "l,d", "b,l"], "kept": [1, 10]},
)
def per_token(axes="d", kept=2, seed=0):
    """LayerNorm 只看自己这个 token：同一句后面的 token 全换掉，它的输出一点不变"""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(4, 10, 32))  # (b, l, d)
    b = rng.normal(3, 4, a.shape)
    b[:, :kept] = a[:, :kept]  # 每句只留前 kept 个 token
    y, z = normalize(a, AXES[axes]), normalize(b, AXES[axes])
    seen = {name: influence(name, rng) for name in AXES}
    picture = np.hstack([seen["d"], np.zeros((12, 2)), seen["b,l"]])
    tokens = [f"句{n}词{t}" for n in "123" for t in "1234"]
    return {
        "换掉的 token 占比": (a != b).any(axis=2).mean(),
        "输出的均方根": rms(y),
        "没换的 token 输出的变化": rms((y - z)[:, :kept]),
        "影响一个输出的数 / d": seen[axes].sum() / 8,
        "影响句2词3第5个特征的数": heatmap(
            picture, tokens, [*"12345678", " ", "  ", *"12345678"], x_label="特征：左 LN，右 BN"
        ),
    }


def linear(x, W, norm):
    return normalize(x @ W, {"ln": 1, "bn": 0}[norm])


@claim(
    guard={"放大的倍数": "in [3, 6]"},
    expect={
        "LN：放大一个样本": "<= 1e-4",
        "LN：放大一个神经元的权重": "in [0.15, 1.2]",
        "BN：放大一个神经元的权重": "<= 1e-4",
        "BN：放大一个样本": "in [0.15, 1.2]",
    },
    control={"ln": "bn", "bn": "ln"},
    knobs={"ln": ["ln", "bn"], "bn": ["bn", "ln"]},
)
def opposite_invariances(ln="ln", bn="bn", seed=0):
    """LN 对样本的尺度不变、对单个神经元权重的尺度会变；BN 恰好相反"""
    rng = np.random.default_rng(seed)
    x, W, c = rng.normal(size=(16, 32)), rng.normal(size=(32, 16)), rng.uniform(3, 6)
    louder, stronger = x.copy(), W.copy()
    louder[0] *= c  # 第 0 个样本
    stronger[:, 0] *= c  # 第 0 个神经元的入权重
    change = lambda norm, x2, W2: rms(linear(x2, W2, norm) - linear(x, W, norm))
    return {
        "放大的倍数": np.linalg.norm(louder[0]) / np.linalg.norm(x[0]),
        "LN：放大一个样本": change(ln, louder, W),
        "LN：放大一个神经元的权重": change(ln, x, stronger),
        "BN：放大一个神经元的权重": change(bn, x, stronger),
        "BN：放大一个样本": change(bn, louder, W),
    }


def sentences(rng, lengths, longest, topics):
    """真实 token 的均值为 2，每句另有自己的主题 (b, 1, d)；填充处补零。返回 (b, l, d) 与掩码。"""
    real = np.arange(longest) < lengths[:, None]  # (b, l)
    x = rng.normal(2 + topics, 1, (*real.shape, topics.shape[2]))
    return x * real[:, :, None], real


def counted(x, real, padded):
    """进入统计的 token：(个数, d)。"""
    return x[real | padded]


@claim(
    guard={"填充的比例": "in [0.3, 0.6]"},
    expect={"真实 token 输出的均值": "in [0.3, 0.9]"},
    control=[{"count_padding": False}, {"norm": "ln"}],
    knobs={"count_padding": [True, False], "norm": ["bn", "ln"]},
)
def padding_pollutes(count_padding=True, norm="bn", seed=0):
    """补零进了 BN 的统计量，真实 token 的输出就不再是均值 0"""
    rng = np.random.default_rng(seed)
    x, real = sentences(rng, rng.integers(5, 41, 64), 40, rng.normal(size=(64, 1, 16)))
    tokens = counted(x, real, count_padding)
    bn = (x - tokens.mean(axis=0)) / np.sqrt(tokens.var(axis=0) + EPS)
    y = {"bn": bn, "ln": normalize(x, 2)}[norm]
    return {
        "填充的比例": 1 - real.mean(),
        "真实 token 输出的均值": y[real].mean(),
    }


def batch_mean_error(rng, lengths, padded, topic, shuffled):
    """许多批的批均值离真实均值 2 的均方根。lengths: (batches, b)"""
    means = []
    for each in lengths:
        topics = topic * rng.normal(size=(len(each) if shuffled else 1, 1, 16))
        x, real = sentences(rng, each, each.max(), topics)  # 不打乱：整批同一个主题
        means.append(counted(x, real, padded).mean(axis=0))
    return rms(np.stack(means) - 2)


@claim(
    guard={"等长时的误差": "in [0.02, 2]"},
    expect={
        "变长/等长": "in [0.9, 1.35]",
        "句长四倍/原来": "in [0.8, 1.15]",
        "句数四分之一/原来": "in [1.7, 2.4]",
    },
    control=[{"padded": True}, {"topic": 0.0}, {"shuffled": False}],
    knobs={"padded": [False, True], "topic": [0.0, 3.0], "shuffled": [True, False]},
)
def length_is_not_to_blame(padded=False, topic=1.0, shuffled=True, seed=0):
    """不把填充算进去，变长与等长的批均值一样稳；误差由句数决定，句子再长也没用"""
    rng = np.random.default_rng(seed)
    lengths = (  # 各 80 批：等长、变长（平均也是 10）、句长四倍、句数四分之一
        np.full((80, 32), 10),
        rng.integers(1, 20, (80, 32)),
        np.full((80, 32), 40),
        np.full((80, 8), 10),
    )
    fixed, variable, longer, fewer = (
        batch_mean_error(rng, each, padded, topic, shuffled) for each in lengths
    )
    return {
        "等长时的误差": fixed,
        "变长/等长": variable / fixed,
        "句长四倍/原来": longer / fixed,
        "句数四分之一/原来": fewer / fixed,
    }


@claim(
    guard={"标签的标准差": "in [0.4, 0.46]"},
    expect={"用输出预测尺度的 R²": "in [-0.1, 0.1]"},
    control=[{"norm": "bn"}, {"norm": "none"}],
    knobs={"norm": ["ln", "rms", "bn", "none"]},
)
def ln_forgets_the_scale(norm="ln", seed=0):
    """LN 抹掉每个 token 自己的尺度：后面的线性层再也读不出来"""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=16)
    scale = rng.uniform(0.5, 2, 2000)  # 要预测的：每个 token 的整体大小
    x = scale[:, None] * rng.normal(direction, 0.3, (2000, 16))  # (n, d)
    h = {
        "ln": normalize(x, 1),
        "rms": rms_norm(x),
        "bn": normalize(x, 0),
        "none": x,
    }[norm]
    h = np.hstack([h, np.ones((2000, 1))])
    w = np.linalg.lstsq(h[:1000], scale[:1000], rcond=None)[0]  # 前一半训练，后一半测试
    left = scale[1000:] - h[1000:] @ w
    return {
        "标签的标准差": scale.std(),
        "用输出预测尺度的 R²": 1 - left.var() / scale[1000:].var(),
    }


@claim(
    guard={"LN 输出的均方根": "in [0.95, 1.05]"},
    expect={"RMSNorm 与 LN 之差": "<= 1e-12"},
    control={"offset": 0.5},
    knobs={"offset": [0.0, 3.0]},
)
def rms_is_ln_without_mean(offset=0.0, seed=0):
    """每个 token 自己的均值为 0 时，RMSNorm 与 LN 相同；不为 0 才有差别"""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 2, (64, 32))
    x = x - x.mean(axis=1, keepdims=True) + offset * x.std()
    return {
        "LN 输出的均方根": rms(normalize(x, 1)),
        "RMSNorm 与 LN 之差": rms(rms_norm(x) - normalize(x, 1)),
    }


@claim(
    guard={"两个输入相差": "in [2.5, 6]"},
    expect={"输出绝对值的中位离差": "<= 0.02"},
    control=[{"m": 16}, {"norm": "ln"}],
    knobs={"m": [2, 64], "norm": ["bn", "ln"]},
)
def two_samples_leave_signs(norm="bn", m=2, seed=0):
    """一批只有两个数时，BN 的输出只剩正负号"""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 3, (m, 64))
    y = linear(x, np.eye(64), norm)
    return {
        "两个输入相差": rms(x[0] - x[1]),
        "输出绝对值的中位离差": np.median(np.abs(np.abs(y) - np.median(np.abs(y)))),
    }
