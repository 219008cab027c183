"""Decks for Anki: our own writer of its package, and a reader of what Anki exports.

notetype     the fields of a note, how a card looks
notes        a sheet as the fields of a note
scheduling   our cards and reviews in Anki's columns
package      the file: a database of Anki's schema 11 in a zip, media beside it
editions     when each note last changed, so that Anki updates just what did
reading      reviews and remarks in a file that Anki has written
"""
