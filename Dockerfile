# Image for the server, the worker and all other commands:
#
#   docker build -t storegraph .
#   docker run -p 8000:8000 -v storegraph:/data storegraph
#   docker run --env-file settings storegraph migrate
#   docker run --env-file settings storegraph work
#
# The image contains GPL code in PyAV's wheel: read NOTICE before you distribute it.

FROM python:3.11-slim-bookworm AS build
RUN python -m venv /opt/storegraph
COPY requirements.txt /src/
RUN /opt/storegraph/bin/pip install --no-cache-dir --require-hashes -r /src/requirements.txt
COPY . /src/
# GraphiQL is optional in a wheel, but required in the image.
RUN /opt/storegraph/bin/pip install --no-cache-dir --no-deps /src/ \
 && test -s /opt/storegraph/lib/python3.11/site-packages/gateway/http/graphiql/static/graphiql.min.js \
 && /opt/storegraph/bin/pip uninstall --yes pip setuptools

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin storegraph \
 && install --directory --owner=storegraph --mode=0700 /data
COPY --from=build /opt/storegraph /opt/storegraph
ENV PATH=/opt/storegraph/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    STOREGRAPH_DATA_DIR=/data \
    STOREGRAPH_PUBLIC_URL=http://localhost:8000
WORKDIR /data
VOLUME /data
EXPOSE 8000
USER storegraph
ENTRYPOINT ["storegraph"]
CMD ["serve", "--host", "0.0.0.0"]
