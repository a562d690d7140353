"""The command line `langchain-aimlapi`: one question, its answer, what it cost.

In go the process's arguments and input, out come text on the streams and an exit status. The door
is `main.main`.
"""
