"""Is everything as it should be? Pure judgements (`judge`, `hosting`) over what was looked at (`examine`)."""
