"""Taking questions and memory out of quizdl, and bringing memory back in.

    sheets       a question with what its claims measured: what every format shows of it
    anki/        decks for Anki, with schedules; and the reviews of such a deck, read back
    tables       tab-separated lines for Anki, Quizlet, Mochi
    markdown     a file for each topic
    html         one page, for browsers and printers
    log          the learner's whole log as JSON Lines, out and in

Each gets values and gives bytes or values; nothing here asks the clock or a database of ours.
"""
