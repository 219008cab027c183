"""焦点损失：梯度、数值稳定的实现，以及它压低了谁、抬高了谁。"""

import numpy as np

from quizdl.proof import bar, claim, line


def log_sigmoid(x):
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))  # 指数不为正


def sigmoid(x):
    return np.exp(log_sigmoid(x))


def weight(y, alpha):
    """α_t：正样本 α，负样本 1 − α。"""
    return np.where(y == 1, alpha, 1 - alpha)


def focal(z, y, gamma, alpha=0.5):
    """FL = −α_t (1 − p_t)^γ ln p_t；z 是 logit，y ∈ {0, 1}，逐元素。"""
    x = np.where(y == 1, z, -z)  # p_t = σ(x)，1 − p_t = σ(−x)
    return -weight(y, alpha) * np.exp(gamma * log_sigmoid(-x)) * log_sigmoid(x)


def focal_grad(z, y, gamma, alpha=0.5):
    """dFL/dz = ±α_t (1 − p_t)^γ (γ p_t ln p_t − (1 − p_t))，正样本取正号。"""
    sign = np.where(y == 1, 1, -1)
    x = sign * z
    inner = gamma * sigmoid(x) * log_sigmoid(x) - sigmoid(-x)
    return sign * weight(y, alpha) * np.exp(gamma * log_sigmoid(-x)) * inner


def softmax_focal(Z, y, gamma):
    """多分类：p_t 是真实类的 softmax 概率。Z: (n, K)"""
    log_p = Z - np.logaddexp.reduce(Z, axis=1, keepdims=True)
    log_pt = log_p[np.arange(len(y)), y]
    return -((1 - np.exp(log_pt)) ** gamma) * log_pt  # (n,)


def softmax_grad(Z, y, gamma):
    """第 j 个 logit 的梯度：(1 − p_t)^(γ−1) (γ p_t ln p_t − (1 − p_t)) (δ_jt − p_j)"""
    P, hot = np.exp(Z - np.logaddexp.reduce(Z, axis=1, keepdims=True)), np.eye(Z.shape[1])[y]
    p = (P * hot).sum(axis=1, keepdims=True)  # p_t: (n, 1)
    return (1 - p) ** (gamma - 1) * (gamma * p * np.log(p) - (1 - p)) * (hot - P)


# 把 (1 − p_t)^γ 当成常数权重，不求导
def detached(z, y, gamma):
    return sigmoid(np.where(y == 1, -z, z)) ** gamma * focal_grad(z, y, 0.0)


def softmax_detached(Z, y, gamma):
    factor = softmax_focal(Z, y, gamma) / softmax_focal(Z, y, 0.0)  # (n,)
    return factor[:, None] * softmax_grad(Z, y, 0.0)


FORMS = {  # 梯度的三种写法：二分类，多分类
    "full": (focal_grad, softmax_grad),
    "detached": (detached, softmax_detached),
    "cross_entropy": (
        lambda z, y, gamma: focal_grad(z, y, 0.0),
        lambda Z, y, gamma: softmax_grad(Z, y, 0.0),
    ),
}


@claim(
    guard={
        "差分梯度的最大绝对值": "in [0.56, 0.57]",
        "γ 为 0 时与 p - y 之差": "<= 1e-12",
        "易分样本上 常数权重的梯度 / 差分": "in [0.32, 0.35]",
        "多分类 常数权重的梯度 / 差分": "in [0.25, 0.45]",
    },
    expect={"二分类梯度的最大误差": "<= 1e-8", "多分类梯度的最大误差": "<= 1e-8"},
    control=[{"form": "detached"}, {"form": "cross_entropy"}],
    knobs={"form": ["full", "detached", "cross_entropy"], "gamma": [1.0, 5.0]},
)
def gradient_formula(form="full", gamma=2.0, seed=0):
    """焦点损失对 logit 的梯度与中心差分一致；调制因子也要求导"""
    rng, h = np.random.default_rng(seed), 1e-5
    z, y = 2 * rng.normal(size=500), rng.integers(0, 2, 500)
    numeric = (focal(z + h, y, gamma) - focal(z - h, y, gamma)) / (2 * h)
    Z, label = 2 * rng.normal(size=(200, 5)), rng.integers(0, 5, 200)
    loss = lambda step: softmax_focal(Z + step, label, gamma)
    multi = np.stack([loss(s) - loss(-s) for s in h * np.eye(5)], axis=1) / (2 * h)  # (n, K)
    binary_form, multi_form = FORMS[form]
    easy, right = np.abs(numeric) < 1e-3, np.abs(multi).max(axis=1) < 0.1
    short = detached(z, y, gamma) / numeric
    multi_short = softmax_detached(Z, label, gamma) / multi
    return {
        "差分梯度的最大绝对值": np.abs(numeric).max(),
        "γ 为 0 时与 p - y 之差": np.abs(2 * focal_grad(z, y, 0.0) - (sigmoid(z) - y)).max(),
        "易分样本上 常数权重的梯度 / 差分": short[easy].mean(),
        "多分类 常数权重的梯度 / 差分": multi_short[right].mean(),
        "二分类梯度的最大误差": np.abs(binary_form(z, y, gamma) - numeric).max(),
        "多分类梯度的最大误差": np.abs(multi_form(Z, label, gamma) - multi).max(),
    }


def via_p(z, y, eps):
    """先算 p 再取对数，常见的写法；eps 加在对数里。"""
    p = 1 / (1 + np.exp(-z))
    p_t = np.where(y == 1, p, 1 - p)
    return -np.float32(0.5) * (1 - p_t) ** 2 * np.log(p_t + np.float32(eps))


WRITINGS = {
    "logits": lambda z, y: focal(z, y, np.float32(2), np.float32(0.5)),
    "via_p": lambda z, y: via_p(z, y, 0),
    "via_p_eps": lambda z, y: via_p(z, y, 1e-7),
}


@claim(
    guard={
        "最大的 |logit|": "in [75, 80]",
        "判错的样本占比": "in [0.3, 0.7]",
        "|logit| 不到 5 时的最大误差": "<= 1e-3",  # 几种写法在中间都对
    },
    expect={
        "不是有限数的样本占比": "== 0",
        "判错样本的最大相对误差": "<= 1e-5",
        "判对样本的最大相对误差": "<= 1e-4",
    },
    control=[{"how": "via_p"}, {"how": "via_p_eps"}],
    knobs={"how": ["logits", "via_p", "via_p_eps"], "reach": [6.0, 80.0]},
)
@np.errstate(divide="ignore", invalid="ignore")
def logits_are_stable(how="logits", reach=80.0, seed=0):
    """float32、γ=2，|logit| 到 80：用 log-sigmoid 写，每个值都有限而准确"""
    rng = np.random.default_rng(seed)
    z, y = rng.uniform(-reach, reach, 2000).astype(np.float32), rng.integers(0, 2, 2000)
    keep = np.abs(z) <= 28  # 判对的再远，损失小于 1e-36，单精度存不准
    wrong = (z > 0) != (y == 1)
    loss, truth = WRITINGS[how](z, y), focal(z.astype(np.float64), y, 2.0)
    error = np.where(np.isfinite(loss), np.abs(loss - truth) / truth, 1.0)
    return {
        "最大的 |logit|": np.abs(z).max(),
        "判错的样本占比": wrong.mean(),
        "|logit| 不到 5 时的最大误差": error[np.abs(z) < 5].max(),
        "不是有限数的样本占比": 1 - np.isfinite(loss).mean(),
        "判错样本的最大相对误差": error[wrong].max(),
        "判对样本的最大相对误差": error[~wrong & keep].max(),
    }


@claim(
    guard={"最大的 p_t": ">= 0.99"},
    expect={
        "p_t 至少 0.9 时最少缩小的倍数": "in [99, 103]",
        "p_t 至少 0.968 时最少缩小的倍数": "in [960, 1020]",
        "p_t 不到 0.5 时最多缩小的倍数": "in [3.8, 4.1]",
    },
    control=[{"gamma": 1.0}, {"gamma": 5.0}],
    knobs={"gamma": [0.0, 5.0]},
)
def down_weights_easy(gamma=2.0, seed=0):
    """γ=2：p_t 从 0.9 起至少缩小 100 倍，从 0.968 起约 1000 倍，不到 0.5 的至多 4 倍"""
    rng = np.random.default_rng(seed)
    y, p_t = rng.integers(0, 2, 20_000), np.sort(rng.uniform(0.02, 0.999, 20_000))
    z = np.where(y == 1, 1, -1) * np.log(p_t / (1 - p_t))
    plain, loss = focal(z, y, 0.0), focal(z, y, gamma)
    shrink = plain / loss
    return {
        "最大的 p_t": p_t.max(),
        "p_t 至少 0.9 时最少缩小的倍数": shrink[p_t >= 0.9].min(),
        "p_t 至少 0.968 时最少缩小的倍数": shrink[p_t >= 0.968].min(),
        "p_t 不到 0.5 时最多缩小的倍数": shrink[p_t < 0.5].max(),
        "损失": line(
            {"交叉熵": 2 * plain[::100], f"γ={gamma:g}": 2 * loss[::100]},
            p_t[::100],
            x_label="p_t",
            y_label="损失",
        ),
    }


KINDS = ("正样本", "难负样本", "易负样本")


def anchors(seed, easy=40_000):
    """像检测里那样：40 个正样本、40 个判错的难负样本、大量早已判对的易负样本。"""
    rng = np.random.default_rng(seed)
    kind = rng.permutation(np.repeat([0, 1, 2], [40, 40, easy]))
    z = np.array([0.0, 1.0, -5.0])[kind] + np.array([1, 0.5, 1])[kind] * rng.normal(size=len(kind))
    return z, (kind == 0) * 1, kind


def shares(amount, kind):
    """各类样本占总和的份额，(3,)。"""
    return np.bincount(kind, amount) / amount.sum()


@claim(
    guard={"负样本 / 正样本": "in [1000, 1002]", "交叉熵里易负样本的损失份额": "in [0.76, 0.9]"},
    expect={"易负样本的损失份额": "in [0.012, 0.05]", "易负样本的梯度份额": "in [0.035, 0.1]"},
    control=[{"gamma": 0.0}, {"gamma": 0.0, "alpha": 0.75}],
    knobs={"gamma": [0.0, 5.0], "alpha": [0.05, 0.95]},
)
def easy_negatives_lose_weight(gamma=2.0, alpha=0.25, seed=0):
    """四万个易负样本对四十个正样本：交叉熵被易负样本占去大半，焦点损失不会"""
    z, y, kind = anchors(seed)
    plain, loss = shares(focal(z, y, 0.0), kind), shares(focal(z, y, gamma, alpha), kind)
    grad = shares(np.abs(focal_grad(z, y, gamma, alpha)), kind)
    return {
        "负样本 / 正样本": (y == 0).sum() / y.sum(),
        "交叉熵里易负样本的损失份额": plain[2],
        "易负样本的损失份额": loss[2],
        "易负样本的梯度份额": grad[2],
        "损失份额": bar({"交叉熵": plain, "焦点损失": loss}, KINDS),
    }


@claim(
    guard={"正样本的损失份额": ">= 0.95"},
    expect={"难负样本 / 全部负样本的梯度": "in [0.04, 0.15]"},
    control={"gamma": 2.0},
    knobs={"gamma": [0.0, 5.0], "alpha": [0.5, 0.999]},
)
def alpha_is_blind(gamma=0.0, alpha=0.999, seed=0):
    """只用 α 按频率加权：正样本的份额上来了，负样本里的难与易还是分不开"""
    z, y, kind = anchors(seed)
    grad = shares(np.abs(focal_grad(z, y, gamma, alpha)), kind)
    return {
        "正样本的损失份额": shares(focal(z, y, gamma, alpha), kind)[0],
        "难负样本 / 全部负样本的梯度": grad[1] / (grad[1] + grad[2]),
    }


@claim(
    guard={"正样本占比": "in [0.0009, 0.0011]", "正负样本特征之差": "in [0.2, 0.8]"},
    expect={
        "初始损失 / 正样本数": "in [14.2, 15.2]",
        "初始偏置梯度 / 正样本数": "in [8.8, 9.3]",
        "负样本的平均概率": "in [0.009, 0.0115]",
    },
    control=[{"prior": 0.5}, {"prior": 0.1}],
    knobs={"prior": [0.0001, 0.5]},
)
def prior_tames_start(prior=0.01, seed=0):
    """正样本占千分之一、交叉熵：把初始概率压到 0.01，开局的损失与偏置梯度小了几十倍"""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([1, 0], [10, 10_000]))
    X = rng.normal(size=(len(y), 16)) + 0.5 * y[:, None]  # (n, 16)
    w, b = 0.01 * rng.normal(size=16), -np.log((1 - prior) / prior)
    z = X @ w + b
    return {
        "正样本占比": y.mean(),
        "正负样本特征之差": X[y == 1].mean() - X[y == 0].mean(),
        "初始损失 / 正样本数": 2 * focal(z, y, 0.0).sum() / y.sum(),
        "初始偏置梯度 / 正样本数": 2 * focal_grad(z, y, 0.0).sum() / y.sum(),
        "负样本的平均概率": sigmoid(z)[y == 0].mean(),
    }


@claim(
    guard={"锚框总数的倍数": "in [9.5, 10]"},
    expect={"加了易负样本后的损失 / 原来": "in [1.01, 1.08]"},
    control=[{"by": "anchors"}, {"gamma": 0.0}],
    knobs={"by": ["positives", "anchors"], "gamma": [0.0, 5.0]},
)
def normalize_by_positives(by="positives", gamma=2.0, seed=0):
    """按正样本数归一：易负样本增加到十倍，焦点损失只多不到一成"""
    z, y, kind = anchors(seed, 80_000)
    few = (kind < 2) | (np.cumsum(kind == 2) <= 8_000)  # 只留十分之一的易负样本

    def per_image(z, y):
        count = y.sum() if by == "positives" else len(y)
        return focal(z, y, gamma, 0.25).sum() / count

    return {
        "锚框总数的倍数": len(z) / few.sum(),
        "加了易负样本后的损失 / 原来": per_image(z, y) / per_image(z[few], y[few]),
    }


def best_probability(frequency, gamma):
    """每组样本共用一个自由的 logit：直接在细网格上找期望损失最小的概率。"""
    z = np.linspace(-4, 4, 16_001)
    risk = [q * focal(z, 1, gamma) + (1 - q) * focal(z, 0, gamma) for q in frequency]
    return sigmoid(z[np.argmin(risk, axis=1)])


def recover(p, gamma):
    """由一阶条件 q A(p) = (1 − q) A(1 − p) 反解频率 q。"""
    A = lambda p: (1 - p) ** gamma * (1 - p - gamma * p * np.log(p))
    return A(1 - p) / (A(p) + A(1 - p))


@claim(
    guard={"标签为 1 的频率": "in [0.88, 0.92]", "平局组学到的概率": "in [0.47, 0.53]"},
    expect={"学到的概率": "in [0.65, 0.73]", "反解后与频率之差": "<= 1e-3"},
    control=[{"gamma": 0.0}, {"undo": 0.0}],  # 不用焦点损失；不反解，直接当概率
    knobs={"gamma": [0.0, 5.0], "undo": [0.0, 5.0], "true": [0.55, 0.98]},
)
def shrinks_confidence(gamma=2.0, undo=2.0, true=0.9, seed=0):
    """九成为正的一组样本，γ=2 的焦点损失学到的概率只有约 0.69；可以反解回去"""
    rng = np.random.default_rng(seed)
    frequency = rng.binomial(5000, [true, 0.5]) / 5000  # 两组样本里标签为 1 的比例
    p = best_probability(frequency, gamma)
    return {
        "标签为 1 的频率": frequency[0],
        "平局组学到的概率": p[1],
        "学到的概率": p[0],
        "反解后与频率之差": np.abs(recover(p, undo) - frequency).max(),
    }


@claim(
    guard={"标错的样本占比": "in [0.04, 0.06]", "其余样本的正确率": ">= 0.95"},
    expect={"标错样本的梯度份额": "in [0.6, 0.8]"},
    control=[{"gamma": 0.0}, {"noise": "none"}],
    knobs={"gamma": [0.0, 5.0], "noise": ["flip", "none"]},
)
def noise_takes_over(gamma=2.0, noise="flip", seed=0):
    """百分之五的标签标反：分类器本来判对了，γ=2 时它们占去六成以上的梯度"""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 20_000)
    z = np.where(y == 1, 1, -1) * rng.normal(3, 1.5, 20_000)  # 已经训练得不错的分类器
    chosen = rng.random(20_000) < 0.05
    label = np.where(chosen, 1 - y, y) if noise == "flip" else y
    grad = np.abs(focal_grad(z, label, gamma))
    return {
        "标错的样本占比": chosen.mean(),
        "其余样本的正确率": ((z > 0) == (y == 1))[~chosen].mean(),
        "标错样本的梯度份额": grad[chosen].sum() / grad.sum(),
    }
