"""Sends through the server at PORT with Python's smtplib: pipelining aside, a client that is not ours.

Usage: foreign_client.py PORT. Prints one line for each step; exits 1 at the first that goes wrong.
"""
import smtplib
import ssl
import sys


def main():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    body = "Subject: dots\r\n\r\n.one\r\n..two\r\n" + "x" * 70 * 1000 + "\r\n"
    with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=20) as client:
        client.ehlo("foreign.example")
        assert not client.has_extn("auth"), "AUTH was offered in clear"
        client.starttls(context=context)
        client.ehlo("foreign.example")
        client.login("shop", "secret")
        print("authenticated")
        for turn in range(3):
            refused = client.sendmail("a@shop.example", ["b@there.example", "no@there.example"], body)
            assert list(refused) == ["no@there.example"], refused
            assert refused["no@there.example"][0] == 550
        print("sent")
        try:
            client.sendmail("a@shop.example", ["no@there.example"], body)
            return 1
        except smtplib.SMTPRecipientsRefused:
            print("refused")
    with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=20) as client:
        client.starttls(context=context)
        try:
            client.login("shop", "wrong")
            return 1
        except smtplib.SMTPAuthenticationError as error:
            assert error.smtp_code == 535
            print("wrong password")
    return 0


sys.exit(main())
