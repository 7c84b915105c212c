"""Compiled programs that outlive a process: compiling takes seconds, reading a program none.

    from muli.screen.compiling.store import Store, use
    use(Store.of_user())        # programs are read from and kept in the user's cache folder

The command line does so; a library call keeps nothing unless it is asked to. JAX's own settings
are left alone.
"""
