def greet(name):
    return f"Hello, {name}, from a function behind an API"
