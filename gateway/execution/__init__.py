"""Execution of GraphQL operations, in stages.

document: `documents` parses and validates source text, once per text. `input_checks` refuses text
    that cannot be stored, `variable_coercion` reads the variables.
limits and cost: `limits` measures depth, aliases and directives of a document, `cost` the objects
    that it may return.
plan: `declarations` say how each field is resolved. `compiled.selections` collects what an
    operation selects, `compiled.planner` turns it into a `compiled.plan`.
statements: `statements` writes the SQL of an edge with the page of `pagination`,
    `compiled.statement_cache` keeps the compiled texts.
rows: `compiled.plan_run` runs a plan level by level.
JSON: `compiled.code_writer`, `compiled.connection_writer` and `compiled.value_conversion` generate
    the functions that turn rows into the response. `error_bodies` writes errors.

`operations` leads a request through the stages, and `compiled.executor` through those of plans.
Where there is no plan, graphql-core executes the operation with the resolvers that
`strawberry_binding` and `loader_resolvers` make from the same declarations. `cache` is the bounded
cache of all of them; `private_apis` holds what is borrowed from other packages.
"""
