"""What is bound to a model: tools, schemas, settings of a call; what reads its answers as objects.

In go a model with tools, a schema or keywords of a call; out come Runnables that take what the
model takes, and give its messages or the objects that were asked for.

The doors are `binding` (`BindsTools`, the methods of the model, and `GeminiBinding`, what they
return). It uses `structured_output`, which binds a schema, and that `output_parser`, which reads
the object from an answer, whole or growing.
"""
