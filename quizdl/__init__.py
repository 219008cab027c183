"""quizdl: ML interview questions in Chinese, every answer proved by a run."""

__version__ = "0.1.0"
