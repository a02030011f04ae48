'use strict'
// bench -- whoever connects may send to any domain, and the mails of every domain go to the bench's receiver: no DNS.

exports.hook_lookup_rdns = (next) => next(OK, 'load.example')

exports.hook_connect = (next, connection) => {
    connection.relaying = true
    next()
}

exports.hook_get_mx = (next) => next(OK, { priority: 0, exchange: '127.0.0.1', port: @SINK@ })
