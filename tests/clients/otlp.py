"""The OpenTelemetry SDK with its OTLP/HTTP exporter. Arguments: the port, then the compression."""

import logging
import sys

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

provider = LoggerProvider(resource=Resource.create({"service.name": "shop", "host.name": "node7"}))
exporter = OTLPLogExporter(
    endpoint=f"http://127.0.0.1:{sys.argv[1]}/v1/logs",
    compression=Compression(sys.argv[2]),
)
provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
logger = logging.getLogger("shop.cart")
logger.setLevel(logging.DEBUG)
logger.addHandler(LoggingHandler(logger_provider=provider))
logger.info("item %d added", 7, extra={"user": "ada", "price": 9.5})
logger.warning("stock is low")
try:
    [][0]
except IndexError:
    logger.exception("no such item")
provider.shutdown()
