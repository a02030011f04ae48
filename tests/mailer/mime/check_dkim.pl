# Verifies the RSA signature of every NAME.WANT.eml of a folder with Mail::DKIM (Debian's build of it knows no
# Ed25519). Keys come from the file "keys" there: a name, a space, the TXT record.
use strict;
use warnings;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;
use Net::DNS;

package KeyFile {
    sub new { my ($class, %keys) = @_; return bless {%keys}, $class }
    sub errorstring { return 'NOERROR' }

    sub send {
        my ($self, $name, $type) = @_;
        my $reply = Net::DNS::Packet->new($name, $type);
        $reply->push(answer => Net::DNS::RR->new(
            owner => $name, type => 'TXT', txtdata => [$self->{$name} =~ /(.{1,255})/g]))
            if defined $self->{$name};
        return $reply;
    }
}

my ($folder, $count) = @ARGV;
open my $in, '<', "$folder/keys" or die "keys: $!";
my %keys = map { chomp; split / /, $_, 2 } <$in>;
Mail::DKIM::DNS::resolver(KeyFile->new(%keys));

my @mails = glob "$folder/*.eml";
die scalar(@mails) . " mails\n" if @mails != $count;
my $wrong = 0;
for my $path (@mails) {
    my ($want) = $path =~ /\.(pass|fail)\.eml$/;
    my $verifier = Mail::DKIM::Verifier->new;
    open my $mail, '<:raw', $path or die "$path: $!";
    local $/;
    $verifier->PRINT(<$mail>);
    $verifier->CLOSE;
    my @rsa = grep { $_->algorithm eq 'rsa-sha256' } $verifier->signatures;
    my $got = @rsa == 1 ? $rsa[0]->result : 'no signature';
    next if $got eq $want;
    print STDERR "Mail::DKIM: $path: $got\n";
    $wrong++;
}
exit($wrong ? 1 : 0);
