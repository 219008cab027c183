"""A mock interview: questions with what follows them, a clock, and no answer before the end.

choosing    what an interviewer would ask next
conduct     one interview as it goes on, against the clock
drafts      what of it is safe when the machine goes down
report      what was told and what was missed, once it is known
"""
