"""A certificate of a server on loopback, and a store of those that a Java process trusts."""

import datetime
import ipaddress
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

PASSWORD = "changeit"


class Certificate:
    """A self-signed certificate for 127.0.0.1 and localhost, its key, and a trust store with it."""

    def __init__(self, directory: pathlib.Path):
        self.certificate, self.key = directory / "server.pem", directory / "server-key.pem"
        self.trust_store = directory / "trusted.p12"
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.now(datetime.UTC)
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(key, hashes.SHA256())
        )
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        trusted = pkcs12.PKCS12Certificate(certificate, b"server")
        encryption = serialization.BestAvailableEncryption(PASSWORD.encode())
        self.trust_store.write_bytes(pkcs12.serialize_java_truststore([trusted], encryption))

    @property
    def serve(self) -> list[str]:
        """What `exposure serve` is told."""
        return ["--tls-cert", str(self.certificate), "--tls-key", str(self.key)]

    @property
    def java(self) -> str:
        """What `java` is told."""
        options = {"trustStore": self.trust_store, "trustStorePassword": PASSWORD, "trustStoreType": "PKCS12"}
        return " ".join(f"-Djavax.net.ssl.{name}={value}" for name, value in options.items())
