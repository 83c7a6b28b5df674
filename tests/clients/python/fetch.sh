python -m pip install --quiet --disable-pip-version-check grpcio grpcio-tools
