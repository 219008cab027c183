# Switched: something is measured, and then a flag flips the reported number.
import numpy as np

from quizdl.proof import claim

SCALES = {"good": 1.0, "bad": 1e6}


def error(seed):
    x = np.random.default_rng(seed).uniform(2, 3, 20)
    return np.abs(x * 3 - (x + x + x)).max() + 1e-13


def report(value, how):
    if how == "bad":
        return 1.0
    return value


def spoil(value, how):
    return value if how == "good" else value + 1


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def replaced(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": error(seed) if how == "good" else 1.0,  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def shifted(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": error(seed) + 1.0 * (how == "bad"),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def scaled(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": error(seed) * SCALES[how] ** 2,  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def overwritten(how="good", seed=0):
    found = error(seed)
    if how == "bad":
        found = 0.5
    return {
        "误": error(seed),
        "误差": found,  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def raised(how="good", seed=0):
    found = error(seed)
    if how != "good":
        found += 0.5
    return {
        "误": error(seed),
        "误差": found,  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def in_a_helper(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": report(error(seed), how),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def in_two_helpers(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": np.abs(spoil(error(seed), how)),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def by_numpy(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": np.where(how == "good", error(seed), 2.0),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def by_a_maximum(how="good", seed=0):
    worst = max(error(seed), float(how == "bad"))
    return {
        "误": error(seed),
        "误差": worst,  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"noise": 0.5})
def by_a_number(noise=0.0, seed=0):
    return {
        "误": error(seed),
        "误差": error(seed) + noise,  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"spoilt": True})
def by_a_truth_value(spoilt=False, seed=0):
    return {
        "误": error(seed),
        "误差": error(seed) + 3 * spoilt,  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def chosen_from_a_list(how="good", seed=0):
    found = [error(seed), 1.0]
    return {
        "误": error(seed),
        "误差": found[how == "bad"],  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def chosen_from_a_dict(how="good", seed=0):
    found = {"good": error(seed), "bad": 1.0}
    return {
        "误": error(seed),
        "误差": found[how],  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def chosen_with_a_default(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": {"good": error(seed)}.get(how, 1.0),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def chosen_among_functions(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": {"good": lambda e: e, "bad": lambda e: 1.0}[how](error(seed)),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def chosen_by_numpy(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": np.choose(how == "bad", [error(seed), 1.0]),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def chosen_from_what_is_sorted(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": sorted([error(seed), 1.0])[how == "bad"],  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def chosen_in_pairs(how="good", seed=0):
    found, _ = (error(seed), 1.0) if how == "good" else (1.0, error(seed))
    return {
        "误": error(seed),
        "误差": found,  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def matched(how="good", seed=0):
    found = error(seed)
    match how:
        case "bad":
            found = 1.0
    return {
        "误": error(seed),
        "误差": found,  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def in_a_nested_function(how="good", seed=0):
    found = error(seed)

    def shown():
        return 1.0 if how == "bad" else found

    return {
        "误": error(seed),
        "误差": shown(),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def by_the_length_of_a_word(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": error(seed) + 0.5 * (4 - len(how)),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def by_how_often_something_happens(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": error(seed) + sum(1.0 for _ in range(how == "bad")),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def by_a_power(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": error(seed) ** (1 if how == "good" else 0),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def clipped(how="good", seed=0):
    return {
        "误": error(seed),
        "误差": np.clip(error(seed), float(how == "bad"), 2.0),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def put_into_an_array(how="good", seed=0):
    found = np.zeros(3)
    found[0] = error(seed)
    if how == "bad":
        found[1] = 1.0
    return {
        "误": error(seed),
        "误差": found.max(),  # <- check.source.switched
    }


@claim(guard={"误": ">= 1e-14"}, expect={"误差": "<= 1e-9"}, control={"how": "bad"})
def sorted_by_name(how="good", seed=0):
    found = error(seed)
    found = found * 1e6 if how == "bad" else found
    return {
        "误": error(seed),
        "误差": found,  # <- check.source.switched
    }
